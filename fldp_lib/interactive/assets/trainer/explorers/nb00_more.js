// Notebook 00, the rest: alone or together, the noise and its levers, the crowd.
fldp.part(fldp => {
  const { clouds, kit, plots, format: f, hospitals } = fldp, { range, quantile, median, mean } = fldp.numbers
  const { deal, alone, together, run, patientsOf, stepsOf, ROUNDS, LR, DELTA } = hospitals
  const COUNTS = [6, 10, 20, 50, 100, 200, 455], PANEL = 1

  // Without privacy: what becomes of each hospital's own model, and of the common one, as hospitals get smaller.
  const apart = fldp.kept(64, (data, clients) => {
    const each = alone(data, clients).right.map(share => 100 * share)
    return { mean: mean(each), inner: [0.05, 0.5, 0.95].map(q => quantile(each, q)) }
  })
  const last = (data, clients) => 100 * together(data, clients).right.at(-1)
  const without = (data, clients) => ({
    clients, own: apart(data, clients).mean, all: last(data, clients), inner: apart(data, clients).inner,
    spread: COUNTS.map(n => apart(data, n).inner), alone: COUNTS.map(n => apart(data, n).mean),
    together: COUNTS.map(n => last(data, n)), patients: patientsOf(deal(data, clients)),
  })
  const drawWithout = r => [
    plots.line(COUNTS, r.alone, { style: "alone", label: "alone" }),
    plots.line(COUNTS, r.together, { style: "no privacy", label: "together" }),
    plots.dots([r.clients], [r.all], { style: "no privacy", size: 5 }),
    plots.dots([r.clients], [r.own], { style: "alone", size: 5 }),
  ]
  fldp.explorers["nb00.together_or_alone"] = {
    compute: ({ clients }, data) => without(data, clients),
    marks: r => [plots.band(COUNTS, r.spread.map(one => one[0]), r.spread.map(one => one[2]), { style: "alone" }),
      ...drawWithout(r)],
    say: r =>
      `${r.clients} hospitals of ${r.patients}: of 100 test patients the model trained together gets ` +
      `${f(r.all, ".0f")} right, a ` +
      `hospital alone ${f(r.own, ".0f")} (mean; nine in ten hospitals between ${f(r.inner[0], ".0f")} and ` +
      `${f(r.inner[2], ".0f")}; calling everybody benign: 63).`,
  }

  // The noise on the averaged step beside the steps themselves, and what is left of the model.
  const lengths = fldp.kept(24, (data, clients, rounds, localSteps) => { // a row a hospital
    const dealt = deal(data, clients), { path } = together(data, clients, rounds, localSteps), sent = new Float64Array(3)
    return range(clients).map(k => clouds.models(path, 0, rounds).map(theta => {
      clouds.update(dealt, k, ...theta, { lr: LR, localSteps }, sent)
      return Math.hypot(...sent)
    }))
  })
  const steps = fldp.kept(24, (data, clients, rounds, localSteps) =>
    [0.05, 0.5, 0.95].map(q => kit.columns(lengths(data, clients, rounds, localSteps), q)))
  const shortened = share => { // neither "0%" where there are some, nor "100%" where there are others
    if (share === 0 || share === 1) return share ? "all" : "none"
    return `${share < 0.005 ? "less than 1%" : share > 0.995 ? "more than 99%" : f(share, ".0%")} of them`
  }
  const byRound = {
    compute({ epsilon, clients, clip, local_steps: localSteps = 1, rounds = ROUNDS, server_lr: serverLr = 1 }, data) {
      const path = run(data, clients, epsilon, { rounds, localSteps, clip, serverLr }, 20, false)
      const found = range(rounds, 1).map(t => hospitals.right(data, clouds.after(path, t)))
      return {
        clients, epsilon, clip, localSteps, rounds, serverLr, steps: steps(data, clients, rounds, localSteps),
        lengths: lengths(data, clients, rounds, localSteps), right: range(20).map(k => found.map(row => 100 * row[k])),
        noise: (kit.calibrated(epsilon, rounds, DELTA).multiplier * clip) / clients,
        plain: together(data, clients, rounds, localSteps).right.slice(1).map(share => 100 * share),
        alone: 100 * mean(alone(data, clients).right),
      }
    },
    marks(r) {
      const rounds = range(r.rounds, 1), level = height => rounds.map(() => height), panel = PANEL
      return [
        plots.band(rounds, r.steps[0], r.steps[2], { style: "no privacy" }),
        plots.line(rounds, r.steps[1], { style: "no privacy", label: "steps" }),
        plots.line(rounds, level(r.clip), { style: 0, label: "clip", width: 1.2 }),
        plots.line(rounds, level(r.noise), { style: "private", label: "noise", width: 2.4 }),
        plots.line(rounds, level(r.alone), { style: "alone", label: "alone", panel }),
        plots.line(rounds, r.plain, { style: "no privacy", label: "no privacy", panel }),
        ...plots.cloud(rounds, r.right, { style: "private", label: "private", panel }),
      ]
    },
    say(r) {
      const [worst, middle, best] = [0.05, 0.5, 0.95].map(q => f(quantile(r.right.map(row => row.at(-1)), q), ".0f"))
      const server = r.serverLr === 1 ? "" : `, server's step ${f(r.serverLr, ".3g")}`
      const all = r.lengths.flat(), cut = all.filter(length => length > r.clip).length / all.length
      return `${r.clients} hospitals, total ε = ${f(r.epsilon, ".3g")}, ${r.rounds} rounds of ` +
        `${stepsOf(r.localSteps)}${server}: ` +
        `noise of ${kit.short(r.noise)} in every direction, on the average of steps that are ` +
        `${kit.short(r.steps[1][0])} long ` +
        `at first and ${kit.short(r.steps[1].at(-1))} at the end (medians without noise); the clip, ` +
        `${f(r.clip, ".2g")}, shortens ` +
        `${shortened(cut)}. Right, of 100 test patients: private ${middle} (median of 20 ` +
        `draws; nine ` +
        `in ten ${worst} to ${best}), no privacy ${f(r.plain.at(-1), ".0f")}, alone ${f(r.alone, ".0f")}.`
    },
  }
  fldp.explorers["nb00.noise"] = byRound
  fldp.explorers["nb00.levers"] = byRound

  // The same ε with more and more hospitals: where the private model overtakes a hospital alone.
  const ends = fldp.kept(64, (data, clients, epsilon, clip) => {
    const path = run(data, clients, epsilon, { rounds: ROUNDS, localSteps: 1, clip }, 12, false)
    return hospitals.right(data, clouds.after(path, ROUNDS)).map(share => 100 * share)
  })
  fldp.explorers["nb00.crowd"] = {
    compute: ({ epsilon, clients, clip }, data) => ({
      ...without(data, clients), epsilon, clip, priced: kit.calibrated(epsilon, ROUNDS, DELTA),
      draws: COUNTS.map(n => ends(data, n, epsilon, clip)), here: ends(data, clients, epsilon, clip),
    }),
    marks: r => [
      ...drawWithout(r),
      ...plots.cloud(COUNTS, range(12).map(k => r.draws.map(row => row[k])), { style: "private", label: "private" }),
      plots.dots([r.clients], [median(r.here)], { style: "private", size: 5 }),
    ],
    say(r) {
      const ahead = COUNTS.filter((_, k) => median(r.draws[k]) > r.alone[k])
      const onwards = ahead.length && ahead.every((n, k) => n === COUNTS[COUNTS.length - ahead.length + k])
      const where = onwards ? `from ${ahead[0]} hospitals on` : `at ${ahead.length} of the seven numbers drawn`
      return `Total ε = ${f(r.epsilon, ".3g")}, clip ${f(r.clip, ".2g")}: private is ahead of alone ${where}. ` +
        `${r.clients} hospitals ` +
        `of ${r.patients}, noise of ${kit.short((r.priced.multiplier * r.clip) / r.clients)} on the average; right, of ` +
        `100 test ` +
        `patients: private ${f(median(r.here), ".0f")} (median of 12 draws, ${f(Math.min(...r.here), ".0f")} to ` +
        `${f(Math.max(...r.here), ".0f")}), together without noise ${f(r.all, ".0f")}, alone ${f(r.own, ".0f")}.`
    },
    attacker: r => r.priced.attacker(),
  }
})
