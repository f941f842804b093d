// Notebook 00, the scene: hospitals with their patients, and the model that they train together, private in thirty draws.
fldp.part(fldp => {
  const { clouds, kit, plots, format: f } = fldp, { range, quantile, mean } = fldp.numbers
  const DELTA = 1e-5, ROUNDS = 20, LR = 8, DRAWS = 30, TILES = 6

  // The hospitals of the whole notebook: dealt, alone, together with noise or without.
  const deal = fldp.kept(64, (data, clients) => clouds.deal(data.train, clients))
  const right = (data, thetas) => thetas.map(theta => clouds.accuracy(theta, data.test))
  const alone = fldp.kept(64, (data, clients) => { // after 20 steps on its own patients
    const dealt = deal(data, clients), plan = { lr: LR, localSteps: ROUNDS }
    const thetas = range(clients).map(k => {
      const own = new Float64Array(3)
      clouds.update(dealt, k, 0, 0, 0, plan, own)
      return own
    })
    return { thetas, right: right(data, thetas) }
  })
  const run = fldp.kept(24, (data, clients, epsilon, plan, draws, plain) => {
    const { multiplier } = kit.calibrated(epsilon, plan.rounds, DELTA), std = multiplier * plan.clip
    return clouds.path(deal(data, clients), { lr: LR, std, ...plan }, { runs: draws, noise: data.noise, plain })
  })
  const together = fldp.kept(64, (data, clients, rounds = ROUNDS, localSteps = 1) => {
    const path = clouds.path(deal(data, clients), { rounds, localSteps, lr: LR })
    return { path, right: right(data, clouds.models(path, 0, rounds + 1)) }
  })
  const patientsOf = dealt => {
    const sizes = [...new Set(dealt.sizes)].sort((a, b) => a - b)
    return sizes.length === 1 && sizes[0] === 1 ? "1 patient" : `${sizes.join(" or ")} patients`
  }
  const stepsOf = steps => fldp.count(steps, "local step", "local steps")
  fldp.hospitals = { deal, right, alone, run, together, patientsOf, stepsOf, DELTA, ROUNDS, LR }

  // The first hospitals, each in a square of side 1: its patients, and the line that its own model draws.
  const tiles = ({ dealt, own }) => {
    const k = range(Math.min(TILES, dealt.clients)), left = k.map(one => 1.12 * (one % 2))
    const bottom = k.map(one => 2.52 - 1.2 * Math.floor(one / 2))
    const marks = [
      plots.bars(left.map(x => x + 0.5), k.map(() => 0.95), { style: "alone", width: 1, base: bottom, opacity: 0.09 }),
      plots.places(left.map(x => x + 0.93), bottom.map(y => y + 0.82), { style: "alone", size: 5, opacity: 0.7 }),
    ]
    for (const one of k) {
      const n = dealt.sizes[one], words = `${n} ${n === 1 ? "patient" : "patients"}, ${f(100 * own.right[one], ".0f")} right`
      marks.push(plots.text(left[one], bottom[one] + 1.04, words, { style: "alone" }))
    }
    const inTile = (one, x, y) => [left[one] + (x + 1) / 2, bottom[one] + (0.95 * (y + 1)) / 2]
    for (const kind of [1, 0]) {
      const across = [], up = []
      for (const one of k) {
        for (let at = dealt.starts[one]; at < dealt.starts[one + 1]; at++) {
          if (dealt.y[at] !== kind) continue
          const [x, y] = inTile(one, dealt.x[2 * at], dealt.x[2 * at + 1])
          across.push(x)
          up.push(y)
        }
      }
      marks.push(plots.dots(across, up, { style: 2 - kind, size: 1.5, opacity: 1 }))
    }
    const ends = k.flatMap(one => clouds.chords([own.thetas[one]]).map(([x, y]) => {
      const [first, last] = [0, 1].map(end => inTile(one, x[end], y[end]))
      return [[first[0], last[0]], [first[1], last[1]]]
    }))
    return [...marks, plots.line(...clouds.joined(ends), { style: "alone", width: 2 })]
  }

  fldp.explorers["nb00.hospitals"] = {
    compute({ epsilon, clients, local_steps: localSteps, clip, round }, data) {
      const priced = kit.calibrated(epsilon, ROUNDS, DELTA)
      const path = run(data, clients, epsilon, { rounds: ROUNDS, localSteps, clip }, DRAWS, true)
      const now = clouds.after(path, round), last = right(data, clouds.after(path, ROUNDS).slice(0, DRAWS))
      const order = range(DRAWS).sort((a, b) => last[a] - last[b])
      return {
        dealt: deal(data, clients), epsilon, clip, localSteps, round, spent: priced.spent(round), priced,
        thetas: now.slice(0, DRAWS), right: right(data, now.slice(0, DRAWS)), middle: order[DRAWS / 2],
        plain: now[DRAWS], plainRight: clouds.accuracy(now[DRAWS], data.test), own: alone(data, clients),
      }
    },
    marks(r, data) {
      const marks = tiles(r), more = r.dealt.clients - TILES, panel = 1
      if (more > 0) marks.push(plots.text(0, -0.03, `… and ${more} more`, { style: "alone" }))
      marks.push(...clouds.chords(r.thetas).map(ends => plots.line(...ends,
        { style: "private", panel, width: 3.5, opacity: 0.17 })))
      marks.push(...clouds.records(data.test, { panel, size: 1.8 }))
      for (const [theta, style] of [[r.plain, "no privacy"], [r.thetas[r.middle], "private"]]) {
        marks.push(...clouds.chords([theta]).map(ends => plots.line(...ends, { style, panel, width: 2.4 })))
      }
      for (const role of ["no privacy", "private", "alone"]) marks.push(plots.dots([NaN], [NaN],
        { style: role, label: role, panel }))
      return [
        ...marks,
        plots.text(-0.97, 1.36, "no privacy", { style: "no privacy", panel }),
        plots.text(0.05, 1.36, "private, 30 draws", { style: "private", panel }),
        plots.text(-0.97, 1.14, "■ benign", { style: 1, panel }),
        plots.text(0.05, 1.14, "▲ malignant", { style: 2, panel }),
      ]
    },
    say(r) {
      const [low, middle, high] = [0.05, 0.5, 0.95].map(q => f(100 * quantile(r.right, q), ".0f"))
      return `${r.dealt.clients} hospitals of ${patientsOf(r.dealt)}, clip ${f(r.clip, ".2g")}, ` +
        `${stepsOf(r.localSteps)} a round; ` +
        `after ${r.round} of ${ROUNDS} rounds ε = ${f(r.spent, ".2g")} of ${f(r.epsilon, ".3g")} is spent (δ = 1e-5). ` +
        `Right, of ` +
        `100 test tumours: private ${middle} (median of 30 draws; nine in ten ${low} to ${high}), no privacy ` +
        `${f(100 * r.plainRight, ".0f")}, a hospital alone ${f(100 * mean(r.own.right), ".0f")}.`
    },
    attacker: r => r.priced.attacker(r.round),
  }

  // A hundred guesses: what ε lets somebody find out who has seen every model.
  const grid = fldp.numbers.geomspace(0.1, 30, 25)
  const curves = fldp.kept(1, () => Array.from(grid, epsilon => kit.calibrated(epsilon, ROUNDS, DELTA).attacker()))
  fldp.explorers["nb00.attackers"] = {
    compute: ({ epsilon }) => ({ epsilon, can: kit.calibrated(epsilon, ROUNDS, DELTA).attacker() }),
    marks(r) {
      const x = fldp.numbers.linspace(-4, 7, 111), zero = x.map(() => 0), marks = [], known = curves(null)
      for (const [shift, style, height, words] of [[0, "alone", 0.57, "without hospital 1"],
        [r.can.mu, "attacker", 0.5, "with it"]]) {
        const bell = x.map(at => fldp.normal.pdf(at - shift))
        marks.push(plots.band(x, zero, bell, { style, opacity: 0.3 }), plots.line(x, bell, { style }))
        marks.push(plots.text(-3.8, height, words, { style }))
      }
      for (const [key, style, label] of [["bound", "bound", "bound"], ["evenOdds", "attacker", "this run"]]) {
        marks.push(plots.line(grid, known.map(one => 100 * one[key]), { style, label, panel: 1 }))
        marks.push(plots.dots([r.epsilon], [100 * r.can[key]], { style, panel: 1, size: 4.5 }))
      }
      return marks
    },
    say: ({ epsilon, can }) =>
      `Total ε = ${f(epsilon, ".3g")} at δ = 1e-5, a hospital added or removed. Hospital 1 moves what is seen by ` +
      `${f(can.mu, ".2g")} deviations of the noise at most, so a guess about this run is right at most ` +
      `${f(100 * can.evenOdds, ".1f")} times of 100; the bound over all mechanisms is ${f(100 * can.bound, ".1f")}. A ` +
      `rule that ` +
      `falsely accuses 1 of 100 finds ${f(100 * can.tpr, ".1f")} of 100 who were in.`,
    attacker: r => r.can,
  }
})
