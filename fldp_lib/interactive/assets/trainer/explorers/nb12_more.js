// Notebook 12: the owners' federation round by round, the drivers whom it does not cover, and everything for the sensors.
fldp.part(fldp => {
  const { plots, format: f } = fldp, { range, quantile, median } = fldp.numbers

  // Error of all forecasts on the test day by shared lines (draws × 9), draw by draw: a quadratic form of each line.
  const form = fldp.kept(16, ({ known, actual }) => { // of means of z zᵀ, z·y and y²
    const { SEEN } = fldp.city, gram = new Float64Array(SEEN * SEEN), target = new Float64Array(SEEN), n = actual.length
    let square = 0
    for (let at = 0; at < n; at++) {
      square += (actual[at] * actual[at]) / n
      for (let i = 0; i < SEEN; i++) {
        target[i] += (known[at * SEEN + i] * actual[at]) / n
        for (let j = 0; j < SEEN; j++) gram[i * SEEN + j] += (known[at * SEEN + i] * known[at * SEEN + j]) / n
      }
    }
    return { gram, target, square }
  })
  const overall = (town, lines) => {
    const { SEEN, CARS } = fldp.city, { gram, target, square } = form(town)
    return range(lines.length / SEEN).map(draw => {
      let total = square
      for (let i = 0; i < SEEN; i++) {
        let row = -2 * target[i]
        for (let j = 0; j < SEEN; j++) row += gram[i * SEEN + j] * lines[draw * SEEN + j]
        total += row * lines[draw * SEEN + i]
      }
      return CARS * Math.sqrt(Math.max(total, 0))
    })
  }
  const byRound = fldp.kept(16, (town, epsilon) => { // draws × rounds
    const past = fldp.city.owners(town, epsilon).map(lines => overall(town, lines))
    return range(fldp.city.DRAWS).map(draw => past.map(errors => errors[draw]))
  })

  fldp.explorers["nb12.owners"] = {
    compute({ epsilon, clients, round }, data) {
      const { city } = fldp, town = city.town(data, clients), priced = city.priced(epsilon)
      return {
        epsilon, sensors: clients, round, draws: byRound(town, epsilon),
        plain: city.clean(town).map(lines => overall(town, lines)[0]), alone: city.rms(town.own),
        floor: city.rms(town.floor), spent: priced.spent(round), attacker: priced.attacker(round),
        std: (priced.multiplier * city.CLIP) / clients,
      }
    },
    marks(r) {
      const x = range(11), at = r.round, { HIGH, cut } = fldp.city, ends = [0, 10]
      const label = median(r.draws.map(run => run[10])) < HIGH ? "private" : ""
      return [
        plots.line([at, at], [35, HIGH], { style: 5, width: 1 }),
        plots.line(ends, [r.alone, r.alone], { style: "alone", label: "alone" }),
        plots.line(x, r.plain, { style: 3, label: "no privacy" }),
        ...plots.cloud(x, r.draws, { style: "private", label }),
        plots.line(ends, [r.floor, r.floor], { style: 0, label: "nobody can beat" }),
        ...cut(at, r.draws.map(run => run[at]), HIGH, 6),
      ]
    },
    say(r) {
      const [low, middle, high] = [0.05, 0.5, 0.95].map(q => f(quantile(r.draws.map(run => run[r.round]), q), ",.1f"))
      return `${r.sensors} sensors, round ${r.round} of 10, ε = ${f(r.spent, ".2g")} of ${f(r.epsilon, ".3g")} spent; ` +
        `noise of ${f(r.std, ".4f")} in each number of the mean. Private is off by ${middle} cars (${low} to ${high} in ` +
        `nine draws of ten); alone by ${f(r.alone, ".1f")}, with no privacy by ${f(r.plain[r.round], ".1f")}.`
    },
    attacker: r => r.attacker,
  }

  // What the definition alone allows at even odds for somebody in so many of the units: the group's ε and δ.
  const groupBound = (epsilon, passed) => {
    const delta = Math.min((fldp.city.DELTA * Math.expm1(passed * epsilon)) / Math.expm1(epsilon), 1)
    return 1 - (1 - delta) / (1 + Math.exp(passed * epsilon))
  }
  const EVEN = [1, ...range(12).map(k => 2 * k + 2)]
  fldp.explorers["nb12.drivers"] = {
    compute({ passages, epsilon }) {
      const { priced, driver, DELTA } = fldp.city, { mu } = priced(epsilon).attacker()
      const curve = range(24, 1).map(m => 100 * fldp.normal.cdf((m * mu) / 2))
      const against = fldp.accounting.attacker({ mu: passages * mu, delta: DELTA })
      return {
        passages, epsilon, curve, counts: driver(epsilon, passages),
        attacker: { ...against, bound: groupBound(epsilon, passages) },
      }
    },
    marks({ passages: m, epsilon, curve, counts }) {
      const counted = 100 * counts.evenOdds
      return [
        plots.line([m, m], [50, 100], { style: 5, width: 1 }),
        plots.line(EVEN, EVEN.map(k => 100 * groupBound(epsilon, k)), { style: "bound", label: "bound" }),
        plots.line(range(24, 1), curve, { style: "attacker", label: "owners' noise" }),
        plots.dots([m], [curve[m - 1]], { style: "attacker", size: 5 }),
        plots.dots([m], [counted], { style: "private", size: 5 }),
        plots.text(m < 19 ? m + 0.6 : m - 8, fldp.numbers.clip(counted, 52.5, 95), "noise in the counts",
          { style: "private" }),
      ]
    },
    say({ passages, epsilon, counts, attacker }) {
      return `ε = ${f(epsilon, ".3g")} for each owner. Under the owners' noise a guess about a driver who passes ` +
        `${fldp.count(passages, "sensor", "sensors")} is right for about ${attacker.people} of 100 drivers; under noise ` +
        `in the counts, made for twelve passages at ε = ${f(epsilon, ".3g")} a day, for ${counts.people}.`
    },
    attacker: r => r.attacker,
  }

  fldp.explorers["nb12.forecast"] = {
    compute({ epsilon, clients, clip, steps, rounds, hour }, data) {
      const { city } = fldp, { DAY, DRAWS, rms } = city, town = city.town(data, clients), each = clients * DAY
      const lines = city.owners(town, epsilon, clip, steps, rounds).at(-1)
      const off = city.errors(town.known, town.actual, lines, { draws: DRAWS }), runs = range(DRAWS)
      const better = range(clients).map(k => {
        const at = k * DAY + hour, own = Math.abs(town.own[at])
        return runs.filter(draw => Math.abs(off[draw * each + at]) < own).length > 0.5 * DRAWS
      })
      return {
        epsilon, sensors: clients, clip, steps, rounds, hour, town, better, whole: overall(town, lines),
        draws: runs.map(draw => range(DAY).map(h => rms(off, draw * each + h, clients, DAY))),
        clean: overall(town, city.clean(town, steps, rounds).at(-1))[0], attacker: city.priced(epsilon, rounds).attacker(),
      }
    },
    marks(r) {
      const { HIGH, DAY, rms, cut, onMap } = fldp.city, { town } = r, hours = range(DAY), high = 1.25 * HIGH
      const levels = [["actual", 5, "as an hour ago"], ["own", "alone", "alone"], ["floor", 0, "nobody can beat"]]
      const label = median(r.draws.map(run => run[23])) < high ? "private" : ""
      return [
        plots.line([r.hour, r.hour], [20, high], { style: 5, width: 1 }),
        ...levels.map(([name, style, words]) =>
          plots.line(hours, hours.map(h => rms(town[name], h, r.sensors, DAY)), { style, label: words })),
        ...plots.cloud(hours, r.draws, { style: "private", label }),
        ...cut(r.hour, r.draws.map(run => run[r.hour]), high, 13), ...onMap(town, r.better, 1),
      ]
    },
    say(r) {
      const { rms, lowest, DAY } = fldp.city, { count } = fldp, { town, hour } = r
      return `${r.sensors} sensors, ε = ${f(r.epsilon, ".3g")} in total, clip ${f(r.clip, ".3g")}, ` +
        `${count(r.steps, "local step", "local steps")}, ${count(r.rounds, "round", "rounds")}: private is off by ` +
        `${f(lowest(r.whole), ",.1f")} cars over the day, alone by ${f(rms(town.own), ".1f")}, ${f(r.clean, ".1f")} with ` +
        `neither clip nor noise. At ${hour}:00 it is ${f(lowest(r.draws.map(run => run[hour])), ",.1f")} against ` +
        `${f(rms(town.own, hour, r.sensors, DAY), ".1f")}, and private is better at ${r.better.filter(one => one).length} ` +
        "sensors."
    },
    attacker: r => r.attacker,
  }
})
