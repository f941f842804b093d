// Notebook 21: a world of two parameters, where FedAvg comes to rest beside the bottom of all losses, SCAFFOLD in it.
fldp.part(fldp => {
  const { line, dots, places } = fldp.plots, { range } = fldp.numbers, f = fldp.format
  const ROUNDS = 40, LR = 0.9, START = [-0.9, 0.9], LEAST = 1e-9 // what is nearer is drawn so near
  const AVERAGE = "FedAvg", SCAFFOLD = "SCAFFOLD"

  // Clients' losses ½(θ − a)ᵀH(θ − a): their paths (rounds × clients × steps + 1 × 2), θ before each round and after the
  // last, how their steps are corrected (rounds × clients × 2), and the optimum of all.
  const ran = fldp.kept(64, (data, clients, steps, scaffold) => {
    const at = range(clients).map(k => [...data.at.subarray(2 * k, 2 * k + 2)])
    const curve = range(clients).map(k => [...data.curve.subarray(4 * k, 4 * k + 4)]) // row by row
    const slope = ([x, y], k) => {
      const [a, b, c, d] = curve[k], dx = x - at[k][0], dy = y - at[k][1]
      return [a * dx + b * dy, c * dx + d * dy]
    }
    const mean = rows => [0, 1].map(j => rows.reduce((total, row) => total + row[j], 0) / rows.length)
    const [a, b, c, d] = [0, 1, 2, 3].map(j => curve.reduce((total, own) => total + own[j], 0))
    const pulled = [0, 1].map(j => -range(clients).reduce((total, k) => total + slope([0, 0], k)[j], 0))
    const best = [(d * pulled[0] - b * pulled[1]) / (a * d - b * c), (a * pulled[1] - c * pulled[0]) / (a * d - b * c)]
    let theta = START, own = at.map(() => [0, 0])
    const paths = [], thetas = [theta], pulls = []
    for (let t = 0; t < ROUNDS; t++) {
      const middle = mean(own), pull = own.map(row => row.map((value, j) => (scaffold ? middle[j] - value : 0)))
      const walks = at.map((_, k) => {
        const path = [theta]
        for (let step = 0; step < steps; step++) {
          const here = path[step], [x, y] = slope(here, k)
          path.push([here[0] - LR * (x + pull[k][0]), here[1] - LR * (y + pull[k][1])])
        }
        return path
      })
      own = walks.map((path, k) => // the mean of its own gradients on the way
        [0, 1].map(j => (path[0][j] - path[steps][j]) / (steps * LR) - pull[k][j]))
      theta = mean(walks.map(path => path[steps]))
      paths.push(walks), thetas.push(theta), pulls.push(pull)
    }
    return { at, paths, thetas, pulls, best, far: thetas.map(([x, y]) => Math.hypot(x - best[0], y - best[1])) }
  })

  fldp.explorers["nb21.variates"] = {
    compute({ scaffold, local_steps: steps, clients, round }, data) {
      const { at, paths, thetas, pulls, best, far } = ran(data, clients, steps, scaffold), t = round - 1
      return { at, path: paths[t], before: thetas[t], after: thetas[round], pull: pulls[t], best, far,
        plain: ran(data, clients, steps, false).far, scaffold, steps, clients, round }
    },
    marks(r) {
      const column = (rows, j) => rows.map(row => row[j]), rounds = range(ROUNDS + 1)
      const marks = r.path.map(path => line(column(path, 0), column(path, 1), { style: "alone", width: 1.4, opacity: 0.8 }))
      marks.push(places(column(r.at, 0), column(r.at, 1), { style: "alone", size: 5 }))
      if (r.scaffold && r.round > 1) {
        marks.push(...r.at.map(([x, y], k) => line([x, x - r.pull[k][0]], [y, y - r.pull[k][1]], { style: 8, width: 2.4 })))
      }
      for (const [[x, y], style, size] of [[r.before, 5, 4], [r.best, "centralised", 5], [r.after, "no privacy", 4]]) {
        marks.push(dots([x], [y], { style, size }))
      }
      const drawn = far => far.map(value => Math.max(value, LEAST)), label = r.scaffold ? SCAFFOLD : AVERAGE
      if (r.scaffold) marks.push(line(rounds, drawn(r.plain), { style: 5, label: AVERAGE, panel: 1 }))
      marks.push(line(rounds, drawn(r.far), { style: "no privacy", label, panel: 1, width: 2.4 }))
      marks.push(dots([r.round], [Math.max(r.far[r.round], LEAST)], { style: "no privacy", panel: 1, size: 4 }))
      return marks
    },
    say(r) {
      const [here, end, plain] = [r.far[r.round], r.far.at(-1), r.plain.at(-1)].map(far =>
        (far > 1e-9 ? f(far, ".2g") : "less than 1e-9"))
      const steps = fldp.count(r.steps, "local step", "local steps")
      return `${r.scaffold ? SCAFFOLD : AVERAGE}, ${r.clients} clients, ${steps} a round: after round ${r.round} the ` +
        `merged model is ${here} from the lowest point of the mean loss; after 40 rounds ${end} (FedAvg ${plain}).`
    },
  }
})
