// Notebook 01: one patient in two sums, repairs that do not hold, games, what the noise costs.
fldp.part(fldp => {
  const { line, bars, dots, text, cloud } = fldp.plots, f = fldp.format
  const { linspace, geomspace, range, quantile, median, clip, mean } = fldp.numbers
  const TARGET = 8, DELTA = 1e-5, LONGEST = 0.5 * Math.sqrt(31), SIZES = [10, 30, 100, 455], P = 31
  const few = value => f(Number(f(value, ".2g")), ",g") // in two digits, as one writes it by hand
  const three = value => Number(f(value, ".3g"))
  const stdOf = fldp.kept(1024, epsilon => fldp.accounting.gaussian.multiplier(epsilon, 2, DELTA)) // of both sums, clip 1
  const attackerOf = fldp.kept(1024, epsilon => fldp.accounting.attacker({ mu: Math.SQRT2 / stdOf(epsilon), delta: DELTA }))
  const row = (rows, k) => rows.subarray(k * P, (k + 1) * P)

  // Every patient is a client of one record and sends one step of logistic regression from the zero model: residual times
  // measures, then times 1 for the bias. data.x: measures (455 × 30), data.y: classes; data.order: of the patients, 8 first.
  const sent = fldp.kept(1, data => {
    const steps = new Float64Array(455 * P)
    for (let k = 0; k < 455; k++) {
      for (let j = 0; j < 30; j++) steps[k * P + j] = (data.y[k] - 0.5) * data.x[k * 30 + j]
      steps[k * P + 30] = data.y[k] - 0.5
    }
    return steps
  })
  const norms = fldp.kept(1, data => Float64Array.from(range(455), k => Math.hypot(...row(sent(data), k))))
  const clipped = fldp.kept(1, data => sent(data).map((value, k) => value * Math.min(1, 1 / norms(data)[Math.floor(k / P)])))

  fldp.explorers["nb01.patient"] = {
    compute({ epsilon, clients }, data) {
      const std = stdOf(epsilon), rows = clipped(data), her = row(rows, TARGET), total = new Float64Array(P)
      for (let k = 0; k < clients; k++) row(rows, data.order[k]).forEach((value, j) => (total[j] += value))
      const noise = (draw, which) => data.noise.subarray((2 * draw + which) * P, (2 * draw + which + 1) * P).map(z => std * z)
      const seen = range(30).map(draw => her.map((value, j) => value + noise(draw, 0)[j] - noise(draw, 1)[j]))
      const far = (one, two) => one.reduce((sum, value, j) => sum + (value - two[j]) ** 2, 0)
      const places = seen.map(read => {
        const gaps = range(455).map(k => far(row(rows, k), read))
        return 1 + gaps.filter(gap => gap < gaps[TARGET]).length
      })
      return {
        epsilon, clients, first: total.map((value, j) => value + noise(0, 0)[j]),
        second: total.map((value, j) => value - her[j] + noise(0, 1)[j]), truth: data.x.subarray(30 * TARGET, 30 * TARGET + 30),
        records: seen.map(read => read.slice(0, 30).map(value => value / read[30])), places,
      }
    },
    marks(r) {
      const numbers = range(30, 1), ends = q => numbers.map(j => clip(quantile(r.records.map(read => read[j - 1]), q), -1.2, 1.2))
      const low = ends(0.05), high = ends(0.95)
      return [
        dots(range(31, 1), r.first, { style: "centralised", size: 3.2 }), dots(range(31, 1), r.second, { style: "attacker", size: 2 }),
        text(1, 205, "● all", { style: "centralised" }), text(10, 205, "× all but patient 8", { style: "attacker" }),
        bars(numbers, r.truth, { style: "alone", panel: 1, opacity: 0.45 }),
        line(numbers.flatMap(j => [j, j, NaN]), numbers.flatMap((_, k) => [low[k], high[k], NaN]),
          { style: "private", panel: 1, width: 3, opacity: 0.5 }),
        dots(numbers, ends(0.5), { style: "attacker", panel: 1, size: 2.4 }),
        text(1, 1.5, "▌her record", { style: "alone", panel: 1 }), text(12, 1.5, "× read", { style: "attacker", panel: 1 }),
        text(19, 1.5, "│ nine in ten", { style: "private", panel: 1 }),
      ]
    },
    say(r) {
      const close = median(r.records.map(read => read.filter((value, j) => Math.abs(value - r.truth[j]) < 0.1).length))
      return `${r.clients} patients, and the same without patient 8; total ε = ${few(r.epsilon)} for both sums (δ = 1e-5, a patient ` +
        `comes or goes). Read from their difference: ${f(close, ".0f")} of her 30 measures to within 0.1; among 455 candidate ` +
        `records she is at place ${f(median(r.places), ".0f")} (medians of 30 draws).`
    },
    attacker: r => attackerOf(r.epsilon),
  }

  // Products of all steps with one another, and with each draw's noise (455 × 455), before any clip: a clip only scales them.
  const products = (left, data) => {
    const out = new Float64Array(455 * 455), steps = sent(data)
    for (let i = 0, at = 0; i < 455; i++)
      for (let j = 0; j < 455; j++, at++) {
        let total = 0
        for (let k = 0, a = i * P, b = j * P; k < P; k++, a++, b++) total += left[a] * steps[b]
        out[at] = total
      }
    return out
  }
  const own = fldp.kept(1, data => products(sent(data), data))
  const noisy = fldp.kept(1, data => [0, 1].map(draw => products(data.noises.subarray(draw * 455 * P, (draw + 1) * 455 * P), data)))
  const recognised = fldp.kept(2048, (bound, std, size, data) => { // of 100: whose step is nearest to the sums' difference
    const scale = norms(data).map(norm => Math.min(1, bound / norm)), length = norms(data), square = scale.map((s, k) => (s * length[k]) ** 2)
    const dot = own(data), spread = Math.SQRT2 * std
    let hits = 0
    for (const noise of noisy(data))
      for (let i = 0; i < size; i++) {
        let best = 0, least = Infinity
        for (let j = 0, at = i * 455; j < 455; j++, at++) {
          const gap = square[j] - 2 * scale[j] * (scale[i] * dot[at] + spread * noise[at])
          if (gap < least) [best, least] = [j, gap]
        }
        hits += best === i
      }
    return (100 * hits) / 2 / size
  })
  const STDS = Array.from(geomspace(0.01, 10, 10), three)
  fldp.explorers["nb01.repairs"] = {
    compute({ clients, clip: bound, std }, data) {
      return {
        clients, clip: bound, std, here: recognised(bound, std, clients, data),
        byNoise: STDS.map(other => recognised(bound, other, clients, data)), bySize: SIZES.map(n => recognised(bound, std, n, data)),
        cut: norms(data).filter(norm => norm > bound).length,
      }
    },
    marks: r => [
      text(0.012, 6, `clip ${f(r.clip, ".3g")}`), line(STDS, r.byNoise, { style: "attacker" }),
      dots([r.std], [r.here], { style: "attacker", size: 5 }), line(SIZES, r.bySize, { style: "attacker", panel: 1 }),
      dots([r.clients], [r.here], { style: "attacker", panel: 1, size: 5 }),
    ],
    say(r) {
      const worth = fldp.accounting.gaussian.epsilon((Math.SQRT2 * Math.min(r.clip, LONGEST)) / r.std, DELTA)
      return `${r.clients} people, clip ${f(r.clip, ".2g")} (${r.cut} of 455 steps are shortened), noise of ${f(r.std, ".2g")} on every ` +
        `number: the subtraction recognises ${f(r.here, ".0f")} of 100 patients. As a promise about both sums that noise is worth ` +
        `ε = ${few(worth)}.`
    },
  }

  const SPREAD = { subtracts: Math.SQRT2, "knows all others": 1, "in both sums": Math.SQRT1_2 } // noise, in that of one sum
  const won = (epsilon, attacker) => 100 * fldp.normal.cdf(1 / (2 * SPREAD[attacker] * stdOf(epsilon)))
  const GRID = Array.from(geomspace(0.1, 1000, 25), three)
  fldp.explorers["nb01.games"] = {
    compute: ({ epsilon, attacker }) => ({ epsilon, attacker }),
    marks: r => [
      line(GRID, GRID.map(epsilon => 100 * attackerOf(epsilon).bound), { style: "bound", label: "bound" }),
      ...Object.keys(SPREAD).map(name => {
        const mine = name === r.attacker
        return line(GRID, GRID.map(epsilon => won(epsilon, name)), {
          style: "attacker", label: mine ? "this attacker" : "", width: mine ? 2.4 : 1, opacity: mine ? 1 : 0.4,
        })
      }),
      dots([r.epsilon], [won(r.epsilon, r.attacker)], { style: "attacker", size: 5 }),
    ],
    say(r) {
      const who = {
        subtracts: "subtracts the two sums", "knows all others": "knows all others, and she is in one sum at most",
        "in both sums": "knows all others, and she is in both sums or in none",
      }[r.attacker]
      return `Total ε = ${few(r.epsilon)}: this attacker ${who}, and is right in ${f(won(r.epsilon, r.attacker), ".1f")} of 100 games; ` +
        `the bound is ${f(100 * attackerOf(r.epsilon).bound, ".1f")}.`
    },
    attacker: r => attackerOf(r.epsilon),
  }
  fldp.sums = { clipped, stdOf, attackerOf, few, P, TARGET }
})
