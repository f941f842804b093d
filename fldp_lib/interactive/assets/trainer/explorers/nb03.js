// Notebook 03: patients on a map, a federation round by round, and one client's leaving.
fldp.part(fldp => {
  const { clouds, kit, plots, format: f } = fldp, { range, linspace, mean } = fldp.numbers
  const LR = 4, ROUNDS = 10, STEPS = 10, DELTA = 1e-5

  // Lines of models from edge to edge, left to right, with gaps between.
  const lines = thetas => clouds.joined(clouds.chords(thetas).map(([x, y]) =>
    x[0] <= x[1] ? [x, y] : [[x[1], x[0]], [y[1], y[0]]]))
  const right = (theta, test) => Math.round(clouds.accuracy(theta, test) * test.y.length)

  // Patients dealt unevenly, as the data say for this number of clients; one client may be left out.
  const uneven = fldp.kept(64, (data, clients) => {
    const n = data.train.y.length, row = data.order.subarray((clients - 2) * n, (clients - 1) * n),
      starts = new Int32Array(clients + 1)
    const sizes = range(clients).map(k => data.sizes[(clients - 2) * 60 + k])
    sizes.forEach((size, k) => { starts[k + 1] = starts[k] + size })
    const x = Float64Array.from(range(2 * n), at => data.train.x[2 * row[at >> 1] + (at & 1)])
    return { clients, sizes, starts, x, y: Float64Array.from(row, at => data.train.y[at]) }
  })
  const walks = fldp.kept(64, (data, clients, out) => { // all clients' steps and the merged model, round by round
    const dealt = uneven(data, clients), own = range(clients).filter(k => dealt.sizes[k] && k !== out - 1),
      sent = new Float64Array(3)
    const all = own.reduce((total, k) => total + dealt.sizes[k], 0), thetas = [[0, 0, 0]], models = [[]]
    for (let t = 0; t < ROUNDS; t++) {
      const here = thetas[t], next = [...here]
      models.push(own.map(k => {
        clouds.update(dealt, k, ...here, { lr: LR, localSteps: STEPS }, sent)
        for (let j = 0; j < 3; j++) next[j] += (dealt.sizes[k] / all) * sent[j]
        return here.map((part, j) => part + sent[j])
      }))
      thetas.push(next)
    }
    return { dealt, own, thetas, models, right: thetas.slice(1).map(theta => right(theta, data.test)) }
  })
  const home = ({ starts, x }, k) => [0, 1].map(axis => mean(range(starts[k + 1] - starts[k],
    starts[k]).map(at => x[2 * at + axis])))
  fldp.explorers["nb03.federation"] = {
    compute({ round, left_out, clients }, data) {
      const out = left_out <= clients ? left_out : 0, found = walks(data, clients, out), own = found.models[round]
      const middle = [0, 1, 2].map(j => mean(own.map(theta => theta[j])))
      const apart = own.length ? mean(own.map(theta => Math.hypot(...theta.map((part, j) => part - middle[j])))) : 0
      return { ...found, who: found.own, own, before: found.thetas[Math.max(0, round - 1)], after: found.thetas[round],
        apart, round, clients, out }
    },
    marks(r) {
      const { dealt } = r, there = range(r.clients).filter(k => k !== r.out - 1)
      const at = there.flatMap(k => range(dealt.sizes[k], dealt.starts[k]))
      const pooled = { x: at.flatMap(k => [dealt.x[2 * k], dealt.x[2 * k + 1]]), y: at.map(k => dealt.y[k]) }
      const marks = clouds.records(pooled, { size: 1.5 }), homes = r.who.map(k => home(dealt, k))
      marks.push(plots.line(...lines(r.own), { style: "alone", width: 1.2, opacity: 0.7 }))
      marks.push(plots.places(homes.map(place => place[0]), homes.map(place => place[1]), { style: "alone", size: 5 }))
      if (r.out && dealt.sizes[r.out - 1]) {
        const [x, y] = home(dealt, r.out - 1)
        marks.push(plots.places([x], [y], { style: 5, label: `client ${r.out}`, size: 7 }))
      }
      const before = r.round ? [[r.before, 5, "before", 1.6]] : []
      for (const [theta, style, label, width] of [...before, [r.after, "no privacy", "merged", 2.6]]) {
        const [x, heights] = lines([theta])
        if (heights.some(Number.isFinite)) marks.push(plots.line(x, heights, { style, label, width }))
      }
      marks.push(plots.line(range(ROUNDS, 1), r.right, { style: "no privacy", panel: 1 }))
      if (r.round) marks.push(plots.dots([r.round], [r.right[r.round - 1]], { style: "no privacy", panel: 1, size: 5 }))
      return marks
    },
    say(r, data) {
      const who = r.out ? `client ${r.out} is left out` : "nobody is left out", total = data.test.y.length,
        last = r.right.at(-1)
      if (!r.round) {
        return `Before round 1 all ${r.clients} clients hold the same model of zeros; ${who}. After ${ROUNDS} rounds ` +
          `the merged ` +
          `model is right for ${last} of ${total} test tumours.`
      }
      const walk = !r.out ? "have patients and walk" : r.own.length === 1 ? "walks" : "walk" // left out, with some or not
      return `Round ${r.round}: ${r.own.length} of ${r.clients} clients ${walk} ${STEPS} steps, each ` +
        `towards its own ` +
        `optimum; ${who}. Their models end ${f(r.apart, ".2f")} apart on average, and the merged one is right for ` +
        `${r.right[r.round - 1]} of ${total} test tumours (${last} after round ${ROUNDS}).`
    },
  }

  // One client's leaving, seen in the model with and without noise.
  const first = fldp.kept(64, (data, clients, localSteps) => {
    const dealt = clouds.deal({ ...data.train, x: data.dealt.x, y: data.dealt.y, owner: data.owner }, clients)
    return range(clients).map(k => {
      const sent = new Float64Array(3)
      clouds.update(dealt, k, 0, 0, 0, { lr: LR, localSteps }, sent)
      return sent
    })
  })
  fldp.explorers["nb03.leaving"] = {
    compute({ epsilon, clients, left_out, local_steps: steps, clip }, data) {
      const out = Math.min(left_out, clients), priced = kit.calibrated(epsilon, 1, DELTA), std = priced.multiplier * clip
      const sent = first(data, clients, steps).map(row => row.map(part => part / Math.max(Math.hypot(...row) / clip, 1)))
      const own = sent[out - 1], length = Math.hypot(...own)
      const all = [0, 1, 2].map(j => sent.reduce((sum, row) => sum + row[j], 0)), bare = all.map(sum => sum / clients)
      const draws = range(60).map(k => [0, 1, 2].map(j => (std * data.noise[3 * k + j]) / clients))
      const there = draws.map(drawn => bare.map((part, j) => part + drawn[j]))
      const gone = draws.reverse().map(drawn => all.map((sum, j) => (sum - own[j]) / clients + drawn[j]))
      const middle = there.map(theta => right(theta, data.test)).sort((a, b) => a - b)[30]
      return { there, gone, bare, length, far: length / std, priced, right: middle, epsilon, clients, out, steps, clip }
    },
    marks(r, data) {
      const marks = clouds.records(data.test, { size: 1.5 }), x = linspace(-1, 1, 25), z = linspace(-4, 8, 121)
      for (const [thetas, style, label] of [[r.there, "private", "client in"], [r.gone, 5, "client out"]]) {
        const heights = thetas.map(([a, b, c]) => x.map(at => -(a * at + c) / (Math.abs(b) < 1e-9 ? NaN : b)))
        marks.push(...plots.cloud(x, heights, { style, label }))
      }
      marks.push(plots.text(-0.95, -0.93, `clip ${f(r.clip, ".3g")}`, { style: 5 }))
      for (const [middle, style, label] of [[r.far, "private", "client in"], [0, 5, "client out"]]) {
        const bell = z.map(at => fldp.normal.pdf(at - middle)), panel = 1
        marks.push(plots.band(z, z.map(() => 0), bell, { style, panel, opacity: 0.3 }),
          plots.line(z, bell, { style, panel }))
        marks.push(plots.text(Math.min(middle, 6.2) - 0.4, middle ? 0.43 : 0.47, label, { style, panel }))
      }
      return marks
    },
    say: (r, data) =>
      `${r.clients} clients, one round of ${fldp.count(r.steps, "local step", "local steps")}, clip ` +
      `${f(r.clip, ".3g")}, total ε = ` +
      `${f(r.epsilon, ".3g")}: client ${r.out}'s clipped update has length ${f(r.length, ".2f")}, ${f(r.far, ".2g")} ` +
      `deviations of ` +
      `the noise. Who knows all else tells client in from client out for ${f(100 * fldp.normal.cdf(r.far / 2), ".0f")} ` +
      `of 100; were ` +
      `the update at the clip, for ${r.priced.attacker().people}. The median private model is right for ${r.right} of ` +
      `114 test ` +
      `tumours, ${right(r.bare, data.test)} without noise.`,
    attacker: r => r.priced.attacker(),
  }
})
