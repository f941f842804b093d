// Notebook 05: one private round of hospitals, and the three places where noise can be added.
fldp.part(fldp => {
  const { clouds, kit, plots, format: f } = fldp, { range, linspace, geomspace } = fldp.numbers
  const DELTA = 1e-5, DRAWS = 200, TOP = 1.15, CIRCLE = linspace(0, 2 * Math.PI, 73)

  // What hospitals send from zero, the last one's scanner showing three times too much.
  const firstUpdates = fldp.kept(64, (data, clients) => {
    const dealt = clouds.deal(data.train, clients), own = new Float64Array(3)
    return range(clients).map(k => {
      clouds.update(dealt, k, 0, 0, 0, { lr: 4, localSteps: 1 }, own)
      const times = k === clients - 1 ? 3 : 1
      return [times * own[0], times * own[1]]
    })
  })
  const total = rows => [0, 1].map(axis => rows.reduce((sum, row) => sum + row[axis], 0))
  const lowerMedian = values => Float64Array.from(values).sort()[(values.length - 1) >> 1] // as torch.median

  fldp.explorers["nb05.one_round"] = {
    compute({ epsilon, clients, clip }, data) {
      const sent = firstUpdates(data, clients), priced = kit.calibrated(epsilon, 1, DELTA)
      const kept = sent.map(row => row.map(part => part / Math.max(Math.hypot(...row) / clip, 1)))
      // with the last one, without
      const means = [kept, kept.slice(0, -1)].map(rows => total(rows).map(part => part / clients))
      const noise = (priced.multiplier * clip) / clients
      const released = means.map((mean, world) => range(DRAWS).map(draw =>
        [0, 1].map(axis => mean[axis] + noise * data.noise[(world * DRAWS + draw) * 2 + axis])))
      const right = weights => clouds.accuracy([...weights, 0], data.test)
      return { epsilon, clip, sent, kept, released, means, noise, priced, private: lowerMedian(released[0].map(right)),
               plain: right(means[0]) }
    },
    marks(r) {
      const up = CIRCLE.map(angle => r.clip * Math.sin(angle)),
        columns = rows => [0, 1].map(axis => rows.map(row => row[axis]))
      const marks = [plots.line(CIRCLE.map(angle => r.clip * Math.cos(angle)), up.map(y => (y < TOP ? y : NaN)),
        { style: "bound", width: 1.4 })]
      for (const [x, y] of r.kept.slice(0, -1).slice(0, 60)) {
        marks.push(plots.line([0, x], [0, y], { style: 1, width: 1.2, opacity: 0.55 }))
      }
      marks.push(plots.dots(...columns(r.kept.slice(0, -1)), { style: 1, size: 2.2 }))
      const cut = r.kept.at(-1), long = r.sent.at(-1), panel = 1
      marks.push(plots.line([cut[0], long[0]], [cut[1], long[1]], { style: 5, width: 1.6 }))
      marks.push(plots.line([0, cut[0]], [0, cut[1]], { style: 2, width: 2.6 }),
        plots.dots([cut[0]], [cut[1]], { style: 2, size: 4 }))
      marks.push(plots.text(-1.95, 1.38, "broken scanner, cut at the circle", { style: 2 }))
      for (const [style, world] of [[1, 1], [2, 0]]) {
        marks.push(plots.dots(...columns(r.released[world].filter(at => at[1] < TOP)),
          { style, panel, size: 2, opacity: 0.45 }))
      }
      const [mean] = r.means
      return [
        ...marks,
        plots.line([0, mean[0]], [0, mean[1]], { style: "no privacy", panel, width: 2.4 }),
        plots.text(-1.95, 1.38, "with it", { style: 2, panel }),
        plots.text(-1.3, 1.4, "without it", { style: 1, panel }),
        plots.text(-0.4, 1.4, "before noise", { style: "no privacy", panel }),
      ]
    },
    say(r) {
      const out = r.released[0].filter(([x, y]) => Math.abs(x + 0.5) > 1.5 || Math.abs(y) > TOP).length
      const length = Math.hypot(...r.sent.at(-1)), fate = length > r.clip ? `is cut to ${f(r.clip, ".3g")}` : "is not cut"
      return `ε = ${f(r.epsilon, ".3g")} (δ = 1e-5) in one round, ${r.sent.length} hospitals, clip ` +
        `${f(r.clip, ".3g")}: the broken ` +
        `scanner's update, ${f(length, ".2f")} long, ${fate}; the noise on each weight of the mean is ` +
        `${f(r.noise, ".2g")}. Of 100 ` +
        `test patients the private model gets ${f(100 * r.private, ".0f")} right (median of ${DRAWS} draws), ` +
        `${f(100 * r.plain, ".0f")} before noise.${out ? ` ${out} of ${DRAWS} draws fall outside the picture.` : ""}`
    },
    attacker: r => r.priced.attacker(),
  }

  // Who adds the noise and who reads what, drawn to scale.
  const READS = {
    server: ["reads bare updates", "add or remove one client"], client: ["reads noisy updates", "replace one client's data"],
    shares: ["reads only the sum", "add or remove one client"],
  }
  const NAMES = { server: "At the server", client: "At the clients", shares: "In shares" }, CLIP = 6
  // On one coordinate of the mean: once in the sum, or, twice as much as data may be replaced, in each of n reports.
  const ofMean = (multiplier, place, n) => (multiplier * CLIP * (place === "client" ? 2 / Math.sqrt(n) : 1 / n))
  fldp.explorers["nb05.places"] = {
    compute({ clients, place, epsilon }) {
      const priced = kit.calibrated(epsilon, 20, DELTA), noise = ofMean(priced.multiplier, place, clients)
      return { clients, place, epsilon, priced, noise, times: noise / ofMean(priced.multiplier, "server", clients) }
    },
    marks(r, { dust }) {
      const at = linspace(0.1, 0.9, 6), marks = Array.from(at,
        x => plots.line([x, 0.5], [0.24, 0.68], { style: 5, width: 1 }))
      const scale = { server: 0, client: 2, shares: 1 / Math.sqrt(r.clients) }[r.place], half = dust.length / 2
      const speck = (x, y, size, first, last) => plots.dots(
        range(last - first, first).map(k => x + 0.035 * size * dust[k]),
        range(last - first, first).map(k => y + 0.045 * size * dust[half + k]),
          { style: "private", size: 1.3, opacity: 0.6 })
      if (r.place === "server") marks.push(speck(0.5, 0.78, 1, 0, half))
      if (scale) at.forEach((x, k) => marks.push(speck(x, 0.2, scale, 10 * k, 10 * k + 10)))
      marks.push(plots.people(at, at.map(() => 0.2), { style: 0, size: 7 }),
        plots.places([0.5], [0.78], { style: 0, size: 11 }))
      if (r.place === "shares") {
        marks.push(plots.line([0.38, 0.62, 0.62, 0.38, 0.38], [0.5, 0.5, 0.6, 0.6, 0.5], { style: 0 }))
        marks.push(plots.text(0.64, 0.55, "secure sum"))
      }
      marks.push(plots.text(0.02, 1, `the server ${READS[r.place][0]}`))
      marks.push(plots.text(0.02, -0.01, `6 of ${r.clients} clients; dots: noise, to scale`))
      const grid = geomspace(10, 1437, 25)
      for (const [kind, style, label] of [["client", 2, "clients"], ["server", "private", "server, shares"]]) {
        marks.push(plots.line(grid, grid.map(n => ofMean(r.priced.multiplier, kind, n)), { style, label, panel: 1 }))
      }
      const style = r.place === "client" ? 2 : "private"
      return [...marks, plots.dots([r.clients], [r.noise], { style, panel: 1, size: 5 })]
    },
    say(r) {
      const times = r.place === "client" ? `${f(r.times, ".3g")} times the server's` : "as much as at the server"
      return `${NAMES[r.place]}, ${r.clients} clients, total ε = ${f(r.epsilon, ".3g")} (δ = 1e-5) in 20 rounds: noise ` +
        `${f(r.noise, ".3g")} on each coordinate of the mean, ${times}. The server ${READS[r.place][0]}; neighbours: ` +
        `${READS[r.place][1]}.`
    },
    attacker: r => r.priced.attacker(),
  }
})
