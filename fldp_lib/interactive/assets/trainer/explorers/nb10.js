// Notebook 10: banks and their customers, and from which probability on to deny.
fldp.part(fldp => {
  const { plots, kept, format: f } = fldp, { range, linspace, quantile, median, mean } = fldp.numbers
  const DENY = 0.7, TESTED = 200 // what denying everybody costs: seven in ten are good
  const OWN = { own: "each adding its own noise", shares: "the noise added in shares" }
  const GOLDEN = Math.PI * (3 - Math.sqrt(5)), STEPS = 6000

  // The banks as circles that do not overlap, in the unit circle, and their customers in them.
  const town = kept(64, (data, banks) => {
    const { sizes, owner } = fldp.applicants.dealt(data, banks), radius = sizes.map(size => Math.sqrt(size / 800) + 0.012)
    const spiral = range(STEPS).map(k => {
      const out = 0.024 * Math.sqrt(k)
      return [out * Math.cos(k * GOLDEN), out * Math.sin(k * GOLDEN)]
    })
    const room = new Float64Array(STEPS).fill(Infinity), centre = [] // room of a circle around each place
    for (const own of radius) { // the largest in the middle, the next as near as there is room
      const at = spiral[Math.max(0, room.findIndex(free => free - own >= 0))]
      centre.push(at)
      spiral.forEach(([x, y], k) => { room[k] = Math.min(room[k], Math.sqrt((x - at[0]) ** 2 + (y - at[1]) ** 2) - own) })
    }
    const middle = [0, 1].map(axis => {
      const along = centre.map(at => at[axis])
      return (Math.min(...along) + Math.max(...along)) / 2
    })
    const moved = centre.map(at => at.map((value, axis) => value - middle[axis]))
    const scale = Math.max(...moved.map(([x, y], k) => Math.sqrt(x * x + y * y) + radius[k]))
    const customers = [[], []], next = sizes.map(() => 0) // good risks, bad risks
    owner.forEach((bank, i) => {
      const k = next[bank]++, out = 0.94 * (radius[bank] - 0.012) * Math.sqrt((k + 0.5) / sizes[bank])
      const at = [Math.cos(k * GOLDEN), Math.sin(k * GOLDEN)].map((part, axis) => (moved[bank][axis] + out * part) / scale)
      customers[data.y[i]].push([...at, bank, k])
    })
    for (const kind of customers) kind.sort((a, b) => a[2] - b[2] || a[3] - b[3]) // bank by bank
    return { centre: moved.map(at => at.map(value => value / scale)), sizes, customers }
  })

  const drawn = kept(64, (data, epsilon, noises) => {
    const { costs, protection, way } = fldp.applicants
    return costs(data, protection(epsilon), { ways: [way(epsilon, noises)], splits: [0], draws: 30 })
  })

  fldp.explorers["nb10.banks"] = {
    compute({ epsilon, clients: banks, sharing }, data) {
      const { protection, alone, clean } = fldp.applicants
      const costs = drawn(data, epsilon, sharing === "own" ? banks : 1), sorted = Float64Array.from(costs).sort()
      // one that does worse than denying everybody denies everybody
      const own = alone(data, banks).map(cost => Math.min(cost, Math.fround(DENY)))
      const middle = Math.fround(Math.fround(sorted[14] + sorted[15]) / 2)
      return { epsilon, banks, sharing, drawn: costs, own, joins: own.map(cost => middle < cost),
               clean: clean(data).at(-1)[0], priced: protection(epsilon).priced }
    },
    marks(r, data) {
      const { centre, sizes, customers } = town(data, r.banks), few = r.banks <= 15
      const axes = rows => [0, 1].map(axis => rows.map(row => row[axis]))
      const marks = [plots.dots(...axes(customers[0]), { style: 1, size: 1.1, opacity: 0.6 }),
                     plots.dots(...axes(customers[1]), { style: 2, size: 1.3, opacity: 0.8 })]
      marks.push(...plots.cloud([2, 800], r.drawn.map(cost => [cost, cost]), { label: "private", panel: 1 }))
      marks.push(plots.line([2, 800], [r.clean, r.clean], { style: "no privacy", label: "no privacy", panel: 1 }))
      marks.push(plots.line([2, 800], [DENY, DENY], { label: "deny all", panel: 1, width: 1.2 }))
      for (const [inside, style] of [[true, "private"], [false, "alone"]]) {
        const those = range(r.banks).filter(bank => r.joins[bank] === inside)
        if (!those.length) continue
        marks.push(plots.places(...axes(those.map(bank => centre[bank])), { style, size: few ? 8 : 5 }))
        marks.push(plots.places(those.map(bank => sizes[bank]), those.map(bank => r.own[bank]),
          { style, panel: 1, size: few ? 7 : 4 }))
      }
      return [...marks, plots.text(-1.05, 1.22, "good risk", { style: 1 }), plots.text(0.05, 1.22, "bad risk", { style: 2 }),
              plots.text(-1.05, 1.08, "gains by joining", { style: "private" }),
              plots.text(0.05, 1.08, "better alone", { style: "alone" })]
    },
    say(r, data) {
      const { sizes } = fldp.applicants.dealt(data, r.banks)
      const [low, middle, high] = [0.05, 0.5, 0.95].map(q => f(quantile(r.drawn, q), ".2f"))
      return `ε = ${f(r.epsilon, ".3g")} in total an applicant, ${r.banks} banks, ${OWN[r.sharing]}: a decision costs ` +
        `${middle} good customers, private (nine draws of ten: ${low} to ${high}); no privacy ${f(r.clean, ".2f")}, to ` +
        `deny all ${f(DENY, ".2f")}. Alone the largest bank (${sizes[0]} customers) pays ${f(r.own[0], ".2f")}, ` +
        `the smallest (${sizes.at(-1)}) ${f(r.own.at(-1), ".2f")}: ${r.joins.filter(Boolean).length} of ${r.banks} ` +
        `gain by joining.`
    },
    attacker: r => r.priced.attacker(),
  }

  // By run, what the test applicants get, and by limit the shares of good ones denied and of bad ones approved.
  const LIMITS = linspace(0.02, 0.8, 40)
  const judged = (data, plan, about) => {
    const { train, people, sigmoid } = fldp.applicants, found = []
    train(data, plan, about, (z, own, first) => own.forEach(({ split }, c) => {
      const who = people(data).tests[split], risks = Float64Array.from(who, i => sigmoid(z[i * fldp.matrices.WIDE + c]))
      const bad = Uint8Array.from(who, i => data.y[i]), counts = [0, 1].map(() => new Float64Array(LIMITS.length + 1))
      risks.forEach((risk, k) => { counts[bad[k]][LIMITS.filter(limit => limit <= risk).length]++ })
      const approved = counts.map(own => {
        let so = 0
        const all = fldp.numbers.sum(own)
        return Array.from(own.subarray(0, LIMITS.length), count => (so += count) / all)
      })
      found[first + c] = { risks, bad, denied: approved[0].map(share => 1 - share), approved: approved[1] }
    }))
    return found
  }
  const noisy = kept(64, (data, epsilon) => {
    const { protection, way } = fldp.applicants
    return judged(data, protection(epsilon), { ways: [way(epsilon, 1)], draws: 5 })
  })
  const bare = kept(2, data => judged(data, ...fldp.applicants.OPEN))
  const paid = (runs, loss) => runs.map(run => run.denied.map((share, k) => 0.7 * share + 0.3 * loss * run.approved[k]))
  const paidAt = (runs, loss, limit) => mean(runs.map(({ risks, bad }) =>
    mean(Array.from(risks, (risk, k) => (risk >= limit ? 1 - bad[k] : loss * bad[k])))))

  fldp.explorers["nb10.decision"] = {
    compute({ epsilon, loss }, data) {
      const runs = [noisy(data, epsilon), bare(data)], blind = Math.min(0.7, 0.3 * loss)
      const [curves, clean] = runs.map(own => paid(own, loss).map(curve => curve.map(cost => cost / blind)))
      return { epsilon, loss, blind, curves, clean: range(LIMITS.length).map(k => mean(clean.map(curve => curve[k]))),
               at: runs.map(own => paidAt(own, loss, 1 / (1 + loss))), scores: runs[0][0].risks, bad: runs[0][0].bad,
               priced: fldp.applicants.protection(epsilon).priced }
    },
    marks(r) {
      const up = k => (k * 0.618) % 1, limit = 1 / (1 + r.loss)
      const of = kind => range(TESTED).filter(k => r.bad[k] === kind), seen = those => those.map(k => r.scores[k])
      return [
        plots.dots(seen(of(0)), of(0).map(k => 0.04 + 0.36 * up(k)), { style: 1, size: 2.2 }),
        plots.text(0.02, 0.44, "good risks", { style: 1 }),
        plots.dots(seen(of(1)), of(1).map(k => 0.58 + 0.34 * up(k)), { style: 2, size: 2.6 }),
        plots.text(0.02, 0.94, "bad risks", { style: 2 }),
        plots.line([limit, limit], [0, 1], { width: 2 }), plots.text(limit + 0.02, 1.01, "deny from here on"),
        ...plots.cloud(LIMITS, r.curves, { label: "private", panel: 1 }),
        plots.line(LIMITS, r.clean, { style: "no privacy", label: "no privacy", panel: 1 }),
        plots.line([limit, limit], [0.4, 8], { panel: 1 }),
        plots.line([0.02, 0.8], [1, 1], { style: 5, label: "blind", panel: 1 }),
      ]
    },
    say(r) {
      const limit = 1 / (1 + r.loss), denied = r.scores.map(score => score >= limit)
      const [good, bad] = [1, 0].map(no => range(TESTED).filter(k => denied[k] === no && r.bad[k] === 1 - no).length)
      return `An approved bad risk costs ${f(r.loss, ".3g")} times a denied good one: deny from ${f(limit, ".2f")} on. A ` +
        `decision then costs, private (ε = ${f(r.epsilon, ".3g")} in shares) ${f(r.at[0], ".2f")}, with no privacy ` +
        `${f(r.at[1], ".2f")}, blind ${f(r.blind, ".2f")}. Of these 140 good risks ${good} are denied, of the 60 bad ones ` +
        `${bad} approved.`
    },
    attacker: r => r.priced.attacker(),
  }
})
