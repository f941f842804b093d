// Notebook 12: whose secret a flow is, one road's day, and who gains by sharing.
fldp.part(fldp => {
  const { plots, format: f } = fldp, { range, linspace, median, clip } = fldp.numbers, HIGH = 130, PASSED = 12, DRAWS = 6

  // Eight radial and two ring roads, the sensors whose forecast the private model makes better, and the others.
  const onMap = ({ place }, better, panel = 0) => {
    const turn = linspace(0, 2 * Math.PI, 73), size = better.length < 100 ? 3.4 : 2.4
    const ways = range(4).map(k =>
      [Math.cos, Math.sin].map(wave => [-10, 10].map(x => x * wave((k * Math.PI) / 4))))
    for (const radius of [4, 8]) ways.push([Math.cos, Math.sin].map(wave => turn.map(angle => radius * wave(angle))))
    const marks = ways.map(([x, y]) => plots.line(x, y, { style: 5, panel, width: 1, opacity: 0.4 }))
    for (const [which, style] of [[true, "private"], [false, "alone"]]) {
      const own = place.filter((_, k) => better[k] === which)
      marks.push(plots.dots(own.map(at => at[0]), own.map(at => at[1]), { style, panel, size }))
    }
    return marks
  }
  // The median of the draws at x as a dot, and what lies above the picture as a number; words start at `last` at most.
  const cut = (x, draws, high, last) => {
    const [middle, most] = [0.5, 0.95].map(q => fldp.numbers.quantile(draws, q))
    const dot = plots.dots([x], [Math.min(middle, high)], { style: "private", size: 5 })
    const words = middle > high ? `private ${f(middle, ",.0f")} »`
      : most > high ? `19 draws of 20 below ${f(most, ",.0f")} »` : ""
    return words ? [dot, plots.text(Math.min(x, last), high - 6, words, { style: "private" })] : [dot]
  }

  // Errors of forecasts learned from, and made from, noisy counts, against the true flow (draws × sensors × 24).
  const driversErrors = fldp.kept(8, (town, epsilon) => {
    const { DAY, SEEN, LR, STEPS, ROUNDS, CARS, moments, turns, train } = fldp.city, { sensors, hours, flow } = town
    const stream = fldp.torch(0), scale = PASSED / epsilon / CARS, each = sensors * DAY
    const found = new Float64Array(DRAWS * each), seen = new Float64Array(flow.length)
    for (let draw = 0; draw < DRAWS; draw++) {
      for (let k = 0; k < seen.length; k++) { // a Laplace variable, by the inverse of its distribution function
        const u = stream.uniform() - 0.5
        seen[k] = flow[k] - scale * Math.sign(u) * Math.log1p(-2 * Math.min(Math.abs(u), 0.5 - 2 ** -54))
      }
      const known = moments(seen, sensors, hours), lines = train(turns(known, LR, STEPS), ROUNDS).at(-1)
      for (let at = 0; at < each; at++) {
        const hour = (Math.floor(at / DAY) + 1) * hours - DAY + (at % DAY)
        let value = seen[hour - 1] - flow[hour]
        for (let j = 0; j < SEEN; j++) value += known.known[at * SEEN + j] * lines[j]
        found[draw * each + at] = value
      }
    }
    return found
  })
  const driver = (epsilon, passed) => fldp.accounting.attacker({ each: epsilon / PASSED, rounds: passed, delta: 0 })

  const bar = (value, row, style, label) => { // with its words at the right end; where it is cut off, its number over it
    const found = plots.band([0, Math.min(value, HIGH)], [row - 0.3, row - 0.3], [row + 0.3, row + 0.3],
      { style, label, panel: 1, opacity: 0.85 })
    const words = () => plots.text(0.72 * HIGH, row + 0.5, `${f(value, ",.0f")} »`, { style, panel: 1 })
    return value > HIGH ? [found, words()] : [found]
  }
  fldp.explorers["nb12.city"] = {
    compute({ who, epsilon, clients }, data) {
      const { city } = fldp, { DAY, rms } = city, town = city.town(data, clients), owner = who === "owner"
      const lines = owner ? city.owners(town, epsilon).at(-1) : null, each = clients * DAY
      const count = owner ? city.DRAWS : DRAWS
      const off = owner ? city.errors(town.known, town.actual, lines, { draws: count }) : driversErrors(town, epsilon)
      const better = range(clients).map(k =>
        city.lowest(range(count).map(draw => rms(off, draw * each + k * DAY, DAY))) < rms(town.own, k * DAY, DAY))
      return {
        who, epsilon, sensors: clients, town, better, draws: range(count).map(draw => rms(off, draw * each, each)),
        actual: rms(town.actual), own: rms(town.own), floor: rms(town.floor),
        plain: rms(city.errors(town.known, town.actual, city.clean(town).at(-1))),
        attacker: owner ? city.priced(epsilon).attacker() : driver(epsilon, PASSED),
      }
    },
    marks(r) {
      const { place } = r.town, marks = onMap(r.town, r.better), all = range(r.sensors)
      if (r.who === "owner") {
        const far = place.map(([x, y]) => Math.abs(x - 4) + Math.abs(y - 4)), [x, y] = place[far.indexOf(Math.min(...far))]
        marks.push(plots.places([x], [y], { style: 0, size: 9 }))
      } else {
        const along = all.sort((a, b) => Math.abs(place[a][1]) - Math.abs(place[b][1])).slice(0, 2 * PASSED)
        const step = Math.max(Math.floor(along.length / PASSED), 1)
        const way = along.sort((a, b) => place[a][0] - place[b][0]).filter((_, k) => k % step === 0).map(k => place[k])
        marks.push(plots.line(way.map(at => at[0]), way.map(at => at[1]), { style: 0, width: 2.5, opacity: 0.7 }))
        marks.push(plots.people([way[0][0]], [way[0][1]], { style: 0, size: 9 }))
      }
      return [
        ...marks, ...bar(r.actual, 4, 5, "as an hour ago"), ...bar(r.own, 3, "alone", "alone"),
        ...bar(fldp.city.lowest(r.draws), 2, "private", "private"),
        plots.dots(r.draws.map(value => Math.min(value, HIGH)), r.draws.map(() => 1.6),
          { style: "private", panel: 1, size: 1.6 }),
        ...bar(r.plain, 1, "no privacy", "no privacy"), ...bar(r.floor, 0, 0, "nobody can beat"),
      ]
    },
    say(r) {
      const owner = r.who === "owner", whose = owner ? "a sensor's owner" : "a driver who passes twelve sensors a day"
      return `${r.sensors} sensors forecast together and protect ${whose} with ε = ${f(r.epsilon, ".3g")} ` +
        `${owner ? "in total" : "a day"}: private, they are off by ${f(fldp.city.lowest(r.draws), ",.1f")} cars; alone by ` +
        `${f(r.own, ".1f")}, with no privacy by ${f(r.plain, ".1f")}. Private is better than alone at ` +
        `${r.better.filter(one => one).length} sensors.`
    },
    attacker: r => r.attacker,
  }

  fldp.explorers["nb12.road"] = {
    compute({ road, noise }, data) {
      const { DAY, CARS, drawn, rms } = fldp.city, town = drawn(data, 40, 2, noise / CARS), { hours } = town
      const off = [town.expected, town.flow].map((curve, ago) => // over all roads; the flow of an hour ago, what is expected
        Float64Array.from({ length: 40 * DAY }, (_, k) => {
          const at = (Math.floor(k / DAY) + 1) * hours - DAY + (k % DAY)
          return curve[at - ago] - town.flow[at]
        }))
      const day = (curve, ago = 0) => curve.slice(road * hours - DAY - ago, road * hours - ago)
      const own = off.map(all => rms(all, (road - 1) * DAY, DAY))
      return {
        road, noise, flow: day(town.flow), best: day(town.expected), ago: day(town.flow, 1), own,
        all: off.map(one => rms(one)),
      }
    },
    marks(r) {
      const curves = [[r.ago, 5, "as an hour ago"], [r.best, 0, "nobody can beat"], [r.flow, 1, "the flow"]]
      return curves.map(([curve, style, label]) =>
        plots.line(range(24), curve.map(y => fldp.city.CARS * y), { style, label, width: 2 }))
    },
    say({ road, noise, own, all }) {
      return `Road ${road}: as an hour ago is off by ${f(own[1], ".0f")} cars, and nobody can beat ` +
        `${f(own[0], ".0f")}, since each hour draws a disturbance of ${f(noise, ".0f")} cars. Over all forty ` +
        `roads: ${f(all[1], ".0f")} and ${f(all[0], ".0f")}.`
    },
  }

  const LEFT = -10.25, WIDE = 0.5, BARS = 61
  fldp.explorers["nb12.histories"] = {
    compute({ days, clients }, data) {
      const { DAY, town, errors, clean, rms } = fldp.city, known = town(data, clients, days)
      const shared = errors(known.known, known.actual, clean(known).at(-1))
      const gain = range(clients).map(k => rms(known.own, k * DAY, DAY) - rms(shared, k * DAY, DAY))
      return { days, sensors: clients, gain }
    },
    marks({ gain }) {
      const marks = [], middles = range(BARS).map(k => LEFT + WIDE * (k + 0.5)), centre = median(gain)
      const kinds = [[one => one > 0, 3, "better together", 8], [one => one <= 0, 9, "better alone", -9.5]]
      for (const [which, style, words, x] of kinds) {
        const own = gain.filter(which), height = new Float64Array(BARS)
        for (const one of own) {
          height[Math.floor((clip(one, LEFT + 0.01, LEFT + WIDE * BARS - 0.01) - LEFT) / WIDE)] += 100 / gain.length
        }
        marks.push(plots.bars(middles, height, { style, width: 0.45 }))
        marks.push(plots.text(x, 21, `${words}: ${own.length} sensors`, { style }))
      }
      return [...marks, plots.line([centre, centre], [0, 18], { style: 0, label: "median" })]
    },
    say({ days, sensors, gain }) {
      const middle = median(gain), better = gain.filter(one => one > 0).length
      return `With ${fldp.count(days, "day", "days")} of history the median of ${sensors} sensors ` +
        `${middle > 0 ? "gains" : "loses"} ${f(Math.abs(middle), ".1f")} cars by sharing: ${better} are better together, ` +
        `${sensors - better} better alone.`
    },
  }
  fldp.city = { ...fldp.city, onMap, cut, driver, HIGH }
})
