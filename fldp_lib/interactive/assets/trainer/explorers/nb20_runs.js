// Notebook 20: the digits learned under independent and under correlated noise of the same ε.
fldp.part(fldp => {
  const { line } = fldp.plots, { median } = fldp.numbers, f = fldp.format, { curves, looks, ROUNDS, DELTA } = fldp.turns
  const GROUPS = 20, CLIP = 0.5, ends = draws => median(draws.map(draw => draw.at(-1)))

  fldp.explorers["nb20.two_noises"] = {
    compute({ epsilon, clients }, data) {
      const [independent, correlated] = ["independent", "optimised"].map(kind =>
        curves(data, kind, epsilon, clients, CLIP, GROUPS, GROUPS))
      return { epsilon, clients, independent, correlated,
        attacker: fldp.kit.calibrated(epsilon, 1, DELTA).attacker() }
    },
    marks(r) {
      return [["independent", 1], ["correlated", "private"]].flatMap(([name, style]) => [
        ...r[name].map(draw => line(looks, draw, { style, width: 1, opacity: 0.5 })),
        line(looks, looks.map((_, k) => median(r[name].map(draw => draw[k]))), { style, label: name, width: 2.4 }),
      ])
    },
    say(r) {
      return `${f(r.clients, ",d")} clients in ${GROUPS} groups that take turns, ${f(r.clients / GROUPS, ".0f")} a round; ` +
        `total ε = ${f(r.epsilon, ".3g")} over ${ROUNDS} rounds. Right of 100 test images, median of 3 draws: ` +
        `${f(ends(r.independent), ".0f")} with independent noise, ${f(ends(r.correlated), ".0f")} with correlated noise.`
    },
    attacker: r => r.attacker,
  }
})
