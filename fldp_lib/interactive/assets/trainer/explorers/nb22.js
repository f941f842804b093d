// Notebook 22: names that nobody listed, one person's secret, a quantile under noise.
fldp.part(fldp => {
  const { line, band, dots, text } = fldp.plots, f = fldp.format
  const { linspace, geomspace, range, quantile, sum, clip } = fldp.numbers
  const { told } = fldp.guesses
  const small = number => (number >= 10 ? f(number, ",.0f") : f(number, ".2g").replace("e-0", "e-"))
  const threshold = (epsilon, delta) => 1 - Math.log(2 * delta) / epsilon
  const chance = (held, epsilon, delta) => { // that a name which so many people hold comes out
    const over = (held - threshold(epsilon, delta)) * epsilon
    return over < 0 ? 0.5 * Math.exp(over) : 1 - 0.5 * Math.exp(-over)
  }

  const counted = fldp.kept(64, (people, data) => {
    const held = new Int32Array(data.noise.length), [low, high] = [data.held.subarray(0, data.people), data.held.subarray(data.people)]
    for (let k = 0; k < people; k++) held[low[k] + 256 * high[k]]++
    return held
  })
  const HELD = [...new Set(Array.from(geomspace(1, 1000, 90), Math.round))]
  fldp.explorers["nb22.names"] = {
    compute({ epsilon, log_delta, clients }, data) {
      const delta = 10 ** log_delta, tau = threshold(epsilon, delta), true_ = counted(clients, data)
      const found = { names: 0, released: 0, covered: 0, many: 0, found: 0, single: 0, leaked: 0 }
      const noisy = k => true_[k] + data.noise[k] / epsilon, out = k => true_[k] > 0 && noisy(k) > tau
      true_.forEach((held, k) => {
        if (!held) return
        const comes = out(k)
        found.names++
        if (comes) found.released++, found.covered += held / clients
        if (held >= 20) found.many++, (found.found += comes)
        if (held === 1) found.single++, (found.leaked += comes)
      })
      const rows = data.words.map((word, row) => ({ word, held: true_[data.rows[row]], noisy: noisy(data.rows[row]), out: out(data.rows[row]) }))
      return { ...found, epsilon, delta, people: clients, tau, rows }
    },
    marks(r) {
      const n = r.rows.length, drawn = [line([r.tau, r.tau], [-0.9, n - 0.4], { style: "bound", width: 1.4 })]
      r.rows.forEach(({ word, held, noisy, out }, row) => {
        const y = n - 1 - row, style = out ? "private" : 5
        if (held) {
          drawn.push(band([0.6, held], [y - 0.3, y - 0.3], [y + 0.3, y + 0.3], { style: 1, opacity: 0.35 }))
          drawn.push(dots([clip(noisy, 0.6, 900)], [y], { style, size: 3.5 }))
        }
        drawn.push(text(0.012, y - 0.22, word, { style }))
      })
      return [
        ...drawn, line(HELD, HELD.map(held => chance(held, r.epsilon, r.delta)), { style: "private", panel: 1 }),
        line([r.tau, r.tau], [1e-10, 1], { style: "bound", width: 1.4, panel: 1 }),
        dots([1], [r.delta], { style: "attacker", panel: 1, size: 5 }),
        text(1.25, r.delta, "one person: δ", { style: "attacker", panel: 1 }),
      ]
    },
    say: r => `${f(r.people, ",d")} people, ${f(r.names, ",d")} names; total ε = ${f(r.epsilon, ".3g")}, δ = ${small(r.delta)}: what is ` +
      `above ${f(r.tau, ".1f")} after noise comes out, ${f(r.released, ",d")} names, which ${f(r.covered, ".0%")} of the people hold. Of ` +
      `${r.many} that 20 people or more hold ${r.found} come out, of ${f(r.single, ",d")} that one person holds ${r.leaked}.`,
    attacker(r) { // a count under Laplace noise tells more than a word that comes out with the chance δ
      const count = 1 - 0.5 * Math.exp(-r.epsilon / 2)
      return { ...told(Math.max(count, 0.5 + r.delta / 2), r.epsilon, r.delta), people: Number(f(100 * count, ".0f")) }
    },
  }

  const NEAR = linspace(-14, 66, 321), PLACES = geomspace(1e-9, 1e-2, 40)
  const anyOf = (people, delta) => -Math.expm1(people * Math.log1p(-delta))
  fldp.explorers["nb22.secret"] = {
    compute({ holders, epsilon, log_delta, clients }, data) {
      const delta = 10 ** log_delta, tau = threshold(epsilon, delta), noisy = data.draws.map(z => holders + z / epsilon)
      const law = NEAR.map(at => Math.exp(-epsilon * Math.abs(at - holders))), top = Math.max(...law)
      return {
        holders, epsilon, delta, people: clients, tau, law: law.map(value => value / top), noisy, any: anyOf(clients, delta),
        chance: chance(holders, epsilon, delta), seen: noisy.filter(value => value >= tau).length, mean: clients * delta,
      }
    },
    marks(r, data) {
      const at = range(NEAR.length).filter(k => NEAR[k] >= r.tau), picked = out => range(500).filter(k => r.noisy[k] >= r.tau === out)
      const seen = (out, options) => dots(picked(out).map(k => r.noisy[k]), picked(out).map(k => data.high[k]), options)
      const tail = band(at.map(k => NEAR[k]), at.map(() => 0), at.map(k => r.law[k]), { style: "attacker", opacity: 0.4 })
      return [
        line(NEAR, r.law, { style: 1 }), line([r.tau, r.tau], [0, 1.2], { style: "bound", width: 1.4 }), ...(at.length ? [tail] : []),
        seen(false, { style: 1, size: 1.2, opacity: 0.45 }), seen(true, { style: "attacker", size: 2.5 }),
        line(PLACES, PLACES.map(delta => anyOf(r.people, delta)), { style: "attacker", panel: 1 }),
        line([1 / r.people, 1 / r.people], [0, 1], { style: 5, panel: 1, width: 1.2 }),
        text(1.15 / r.people, 0.04, "1/people", { style: 5, panel: 1 }), dots([r.delta], [r.any], { style: "attacker", panel: 1, size: 5 }),
      ]
    },
    say: r => `ε = ${f(r.epsilon, ".3g")}, δ = ${small(r.delta)}: a word that ${fldp.count(r.holders, "person holds", "people hold")} comes out ` +
      `if its noisy count reaches ${f(r.tau, ".1f")}, with chance ${small(r.chance)}; in 500 draws it did ${r.seen}. Of ` +
      `${f(r.people, ",d")} people with a secret each, ${small(r.mean)} come out on average, at least one with chance ${small(r.any)}.`,
  }

  // The exponential mechanism's answer: the gaps between the values, and below which share of answers their ends lie.
  const LOW = 200, HIGH = 20000, TOPS = Array.from(geomspace(HIGH, 1e7, 12))
  const interpolate = (x, xs, ys) => {
    let low = 0, high = xs.length - 1
    if (x <= xs[0]) return ys[0]
    if (x >= xs[high]) return ys[high]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (xs[middle] <= x) low = middle
      else high = middle
    }
    return ys[low] + ((ys[high] - ys[low]) * (x - xs[low])) / (xs[high] - xs[low])
  }
  const law = (values, share, epsilon, top) => {
    const n = values.length, ends = Float64Array.of(LOW, ...values.map(value => clip(value, LOW, top)), top)
    const weight = range(n + 1).map(k => Math.log(ends[k + 1] - ends[k]) - (epsilon * Math.abs(k - share * n)) / 2 / Math.max(share, 1 - share))
    const most = Math.max(...weight), mass = weight.map(value => Math.exp(value - most)), all = sum(mass), below = new Float64Array(n + 2)
    mass.forEach((part, k) => (below[k + 1] = below[k] + part / all))
    return shares => Array.from(shares, at => interpolate(at, below, ends))
  }
  const answersOf = range(100).map(k => (k + 0.5) / 100), fine = linspace(0.0025, 0.9975, 200)
  const sorted = fldp.kept(64, (clients, data) => data.amounts.slice(0, clients).sort())
  const offs = fldp.kept(128, (share, epsilon, clients, values, truth) =>
    TOPS.map(top => quantile(law(values, share, epsilon, top)(fine).map(answer => Math.abs(answer - truth)), 0.9)))
  fldp.explorers["nb22.median"] = {
    compute({ share, top, epsilon, clients }, data) {
      const values = sorted(clients, data), truth = quantile(values, share)
      const answers = law(values, share, epsilon, top)(answersOf), noise = most => ((most - LOW) * Math.log(10)) / (epsilon * clients)
      return {
        share, top, epsilon, people: clients, values, true: truth, answers, low: quantile(answers, 0.05), high: quantile(answers, 0.95),
        off: offs(share, epsilon, clients, values, truth), mean: TOPS.map(noise), noise: noise(top),
      }
    },
    marks(r) {
      const n = r.values.length, here = interpolate(Math.log(r.top), TOPS.map(Math.log), r.off)
      return [
        line(r.values, range(n).map(k => (k + 1) / n), { width: 1.4 }), dots([r.true], [r.share], { size: 4 }),
        dots(r.answers.map(answer => clip(answer, LOW, 2 * HIGH)), r.answers.map(() => r.share), { style: "private", size: 2, opacity: 0.5 }),
        line(TOPS, r.mean, { style: 2, label: "the mean", panel: 1 }),
        line(TOPS, r.off.map(off => Math.max(off, 1)), { style: "private", label: "the quantile", panel: 1 }),
        dots([r.top], [Math.max(1, here)], { style: "private", panel: 1, size: 5 }),
      ]
    },
    say: r => `Of ${f(r.people, ",d")} applicants ${f(r.share, ".0%")} borrow less than ${f(r.true, ",.0f")} DM. At ε = ` +
      `${f(r.epsilon, ".3g")}, with loans up to ${f(r.top, ",.0f")} DM thought possible, 9 of 10 answers lie between ` +
      `${f(r.low, ",.0f")} and ${f(r.high, ",.0f")}; the mean's noise is below ${f(r.noise, ",.0f")} as often.`,
  }
})
