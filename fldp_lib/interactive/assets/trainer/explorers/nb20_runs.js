// Notebook 20: the digits learned under independent and under correlated noise of the same ε.
fldp.part(fldp => {
  const { line } = fldp.plots, { median } = fldp.numbers, f = fldp.format, { curves, ROUNDS, DELTA } = fldp.turns
  const { columns } = fldp.kit, GROUPS = 20, CLIP = 0.5, ends = draws => median(draws.map(draw => draw.at(-1)))

  fldp.explorers["nb20.two_noises"] = {
    compute({ epsilon, clients }, data) {
      const [independent, correlated] = ["independent", "optimised"].map(kind =>
        curves(data, kind, epsilon, clients, CLIP, GROUPS, kind === "optimised" ? GROUPS : null))
      return { epsilon, clients, looks: independent.looks, independent: independent.draws, correlated: correlated.draws,
        attacker: fldp.kit.calibrated(epsilon, 1, DELTA).attacker() }
    },
    marks(r) {
      return [["independent", 1], ["correlated", "private"]].flatMap(([name, style]) => [
        ...r[name].map(draw => line(r.looks, draw, { style, width: 1, opacity: 0.5 })),
        line(r.looks, columns(r[name], 0.5), { style, label: name, width: 2.4 }),
      ])
    },
    say(r) {
      return `${f(r.clients, ",d")} clients in ${GROUPS} groups that take turns, ${f(r.clients / GROUPS, ".0f")} a round; ` +
        `total ε = ${f(r.epsilon, ".3g")} over ${ROUNDS} rounds. Right of 100 test images, median of 3 draws: ` +
        `${f(ends(r.independent), ".0f")} with independent noise, ${f(ends(r.correlated), ".0f")} with correlated noise.`
    },
    attacker: r => r.attacker,
  }

  const WAYS = {
    independent: [1, "independent"], optimised: ["private", "correlated"], poisson: [2, "secret coins"],
    all: [5, "everybody"],
  }
  const BOUND = 0.908 // the exact ε of secret coins, 1 in 20, that the bound gives 1

  fldp.explorers["nb20.federation"] = {
    compute({ epsilon, clients, groups, band, clip, other }, data) {
      const kinds = ["independent", "optimised", ...(other ? [other] : [])]
      const found = kinds.map(kind =>
        [kind, curves(data, kind, epsilon, clients, clip, groups, kind === "optimised" ? band : null)])
      return { epsilon, clients, groups, band, clip, other, found, visits: Math.ceil(ROUNDS / groups),
        attacker: fldp.kit.calibrated(epsilon, 1, DELTA).attacker() }
    },
    marks({ found }) {
      return found.flatMap(([kind, { looks, draws }]) => {
        const [style, label] = WAYS[kind], share = looks.map(t => t / looks.at(-1))
        return [
          ...draws.map(draw => line(share, draw, { style, width: 0.9, opacity: 0.45 })),
          line(share, columns(draws, 0.5), { style, label, width: 2.2 }),
        ]
      })
    },
    say(r) {
      const coins = r.other !== "poisson" ? "" : ` Secret coins: ${f(ROUNDS / r.groups, ".3g")} times on average; their ` +
        `noise is set by a bound (of 20 groups at ε = 1, the exact ε is ${f(BOUND, ".3g")}).`
      const told = r.found.map(([kind, { draws }]) => `${WAYS[kind][1]} ${f(ends(draws), ".0f")}`)
      return `${f(r.clients, ",d")} clients, each at most ${r.visits} times, total ε = ${f(r.epsilon, ".3g")} at ` +
        `δ = ${f(DELTA, "g")}; clip ${f(r.clip, ".3g")}, band ${r.band} of ${r.groups}. Right of 100 test images, median ` +
        `of 3 draws: ${told.join(", ")}.${coins}`
    },
    attacker: r => r.attacker,
  }
})
