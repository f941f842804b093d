// Notebook 06: two participants and a crowd, what the printed example really promises, two noises and one.
fldp.part(fldp => {
  const { line, bars, dots, places, text, cloud } = fldp.plots, f = fldp.format, { linspace, range, clip } = fldp.numbers
  const { laplace, laplaces } = fldp.guesses
  const MEANS = [1, 3], BOUND = 2, BEST = 2, RUNS = 200, steps = rounds => range(rounds + 1)
  const about = fldp.kept(512, (epsilon, rounds) => laplaces(epsilon / rounds, rounds))
  const error = ends => Math.sqrt(ends.reduce((total, end) => total + (end - BEST) ** 2, 0) / ends.length)
  const column = (path, run) => path.map(row => row[run])
  const frame = (r, path) => [
    ...cloud(steps(r.rounds), range(RUNS).map(run => column(path, run))),
    line([0, 10], [BEST, BEST], { style: 5, label: "best" }), line(steps(r.rounds), r.bare, { style: "no privacy", width: 2 }),
    text(0.2, 9.2, "private, 200 runs", { style: "private" }), text(0.2, -5.2, "no noise", { style: "no privacy" }),
  ]

  // θ after each round (rounds + 1 rows of runs) of A and B; every clipped gradient gets its participant's noise.
  const privateRounds = (scales, lr, rounds, unit, runs = RUNS) => {
    const path = [new Float64Array(runs)]
    for (let t = 0; t < rounds; t++)
      path.push(path[t].map((theta, run) => {
        const sent = MEANS.map((mean, k) => clip(theta - mean, -BOUND, BOUND) + (scales[k] ? scales[k] * unit[(2 * t + k) * RUNS + run] : 0))
        return theta - (lr * (sent[0] + sent[1])) / 2
      }))
    return path
  }
  const bare = (lr, rounds) => column(privateRounds([0, 0], lr, rounds, null, 1), 0)
  const scalesOf = (epsilons, rounds) => epsilons.map(epsilon => (2 * BOUND * rounds) / epsilon) // sensitivity of replacing one's data
  const ends = fldp.kept(256, (a, b, rounds, data) =>
    data.rates.map(rate => error(privateRounds(scalesOf([a, b], rounds), rate, rounds, data.unit).at(-1))))

  fldp.explorers["nb06.two_participants"] = {
    compute({ epsilon_a, epsilon_b, lr, rounds }, data) {
      const paths = privateRounds(scalesOf([epsilon_a, epsilon_b], rounds), lr, rounds, data.unit)
      return {
        epsilons: [epsilon_a, epsilon_b], lr, rounds, paths, here: error(paths.at(-1)), bare: bare(lr, rounds),
        errors: ends(epsilon_a, epsilon_b, rounds, data),
      }
    },
    marks: (r, data) => [
      ...frame(r, r.paths), line(data.rates, r.errors, { style: "private", panel: 1 }),
      dots([r.lr], [r.here], { style: "private", panel: 1, size: 5 }),
    ],
    say(r) {
      const [a, b] = r.epsilons, [pa, pb] = r.epsilons.map(epsilon => about(epsilon, r.rounds).people)
      return `${fldp.count(r.rounds, "report", "reports")} each; δ = 0, replace one participant's data: total ε = ${fldp.kit.three(a)} for A, ` +
        `${fldp.kit.three(b)} for B, ${fldp.kit.three(Math.max(a, b))} for either. At learning rate ${f(r.lr, ".3g")} θ ends ${f(r.here, ".2f")} ` +
        `from the best value (root mean square), ${f(Math.abs(r.bare.at(-1) - BEST), ".2g")} without noise; the best of 16 rates ends ` +
        `${f(Math.min(...r.errors), ".2f")} from it. Who guesses which of two data sets it was is right for ${pa} of 100 about A, ` +
        `${pb} about B.`
    },
    attacker: r => about(Math.max(...r.epsilons), r.rounds),
  }

  // θ after each round of `clients` participants, half like A and half like B. data.sums: the sums of 1, 2, 4, … Laplace
  // noises of scale 1, in each round and run; any number of them is a sum of such sums.
  const sumOf = (clients, k, data) => {
    let total = 0
    for (let power = 0; 2 ** power <= clients; power++) if (clients & (2 ** power)) total += data.sums[power * 10 * RUNS + k]
    return total
  }
  const crowd = (total, rounds, lr, clients, place, data) => {
    const scale = (BOUND * lr * rounds * (place === "client" ? 2 : 1)) / total, path = [new Float64Array(RUNS)]
    for (let t = 0; t < rounds; t++)
      path.push(path[t].map((theta, run) => {
        const [a, b] = MEANS.map(mean => clip(lr * (mean - theta), -BOUND * lr, BOUND * lr))
        return theta + (a + b) / 2 + (scale * sumOf(place === "client" ? clients : 1, t * RUNS + run, data)) / clients
      }))
    return path
  }
  fldp.explorers["nb06.crowd"] = {
    compute(state, data) {
      const { epsilon, place, rounds } = state, clients = 2 * Number(f(state.clients / 2, ".0f"))
      const paths = crowd(epsilon, rounds, 0.5, clients, place, data), last = paths.at(-1)
      const near = last.filter(theta => Math.abs(theta - BEST) < 0.5).length / RUNS
      return { epsilon, clients, place, rounds, paths, bare: bare(0.5, rounds), error: error(last), near }
    },
    marks: r => frame(r, r.paths),
    say: r => `${r.clients} participants, half like A (1) and half like B (3), ${fldp.count(r.rounds, "round", "rounds")}, ` +
      `${r.place === "client" ? "local" : "central"} noise, total ε = ${f(r.epsilon, ".3g")} for each: of 100 runs ` +
      `${f(100 * r.near, ".0f")} end within 0.5 of the best value 2, and they are ${f(r.error, ".2g")} off (root mean square), ` +
      `${f(Math.abs(r.bare.at(-1) - BEST), ".2g")} without noise.`,
    attacker: r => about(r.epsilon, r.rounds),
  }

  const centre = (mean, clean) => { // all gradients that enter A's report of the printed example, from θ = 0, without noise
    let theta = 0, total = 0
    for (let step = 0; step <= clean; step++) {
      total += theta - mean
      theta -= 0.1 * (theta - mean)
    }
    return total
  }
  fldp.explorers["nb06.printed"] = {
    compute({ epsilon, other, clean }, data) {
      const at = [-centre(1, clean), -centre(other, clean)]
      return { at, noise: data.noise.map(z => z / epsilon), true: Math.max(Math.abs(at[1] - at[0]) * epsilon, 1e-6), epsilon, other, clean }
    },
    marks(r, data) {
      const marks = []
      r.at.forEach((place, row) => {
        const style = row ? "private" : 5, x = [], y = []
        for (let k = 150 * row; k < 150 * (row + 1); k++)
          if (place + r.noise[k] >= -25 && place + r.noise[k] <= 100) x.push(place + r.noise[k]), y.push(1.25 - row + data.heights[k])
        marks.push(dots(x, y, { style, size: 1.8, opacity: 0.55 }), places([place], [1.12 - row], { style, size: 6 }))
      })
      return [...marks, text(35, 2.05, "A's mean is 1", { style: 5 }), text(35, 0.95, "A's mean is another", { style: "private" })]
    },
    say: r => `A's mean 1 or ${f(r.other, ".3g")}, ${fldp.count(r.clean, "clean step", "clean steps")} before the noisy one, noise of scale ` +
      `1/ε = ${f(1 / r.epsilon, ".3g")}: the report moves by ${f(Math.abs(r.at[1] - r.at[0]), ".3g")}. That costs ε = ` +
      `${f(r.true, ".3g")}, where ${f(r.epsilon, ".3g")} is promised: who has to tell them apart is right for ${laplace(r.true).people} ` +
      "of 100.",
    attacker: r => laplace(Math.min(r.true, 200)),
  }

  fldp.explorers["nb06.two_noises"] = {
    compute({ scale_a, scale_b }, data) {
      const n = data.pair.length / 2, share = new Float64Array(96)
      for (let k = 0; k < n; k++) {
        const own = scale_a * data.pair[k] + scale_b * data.pair[n + k]
        if (own >= -12 && own <= 12) share[Math.min(95, Math.floor((own + 12) * 4))] += 4 / n
      }
      return { a: scale_a, b: scale_b, share }
    },
    marks(r) {
      const x = linspace(-12, 12, 481), b = r.a + r.b
      return [
        bars(linspace(-11.875, 11.875, 96), r.share, { style: "private", width: 0.25, opacity: 0.4 }),
        line(x, x.map(at => Math.exp(-Math.abs(at) / b) / (2 * b)), { style: "article" }),
        text(1.5, 0.51, "bars: the sum of both", { style: "private" }),
        text(1.5, 0.51 - 0.05, "one Lap(λ_A + λ_B)", { style: "article" }),
      ]
    },
    say: r => `λ_A = ${f(r.a, ".2g")} and λ_B = ${f(r.b, ".2g")}: the two noises' sum has variance ` +
      `${f(2 * r.a ** 2 + 2 * r.b ** 2, ".3g")}, one Laplace noise of scale ${f(r.a + r.b, ".3g")} has ${f(2 * (r.a + r.b) ** 2, ".3g")}.`,
  }
})
