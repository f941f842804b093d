// Notebook 08's last explorer: the right program on the breast-cancer data.
fldp.part(fldp => {
  const { line, cloud } = fldp.plots, { range, median } = fldp.numbers, f = fldp.format, DELTA = 1e-5

  // Unit noise of a run of so many rounds: as that of the longest, but for its last 16 numbers.
  const noiseOf = ({ noise, ends }, rounds, size) => {
    const drawn = noise.slice(0, rounds * size)
    drawn.set(ends.subarray(16 * (rounds - 1), 16 * rounds), drawn.length - 16)
    return t => drawn.subarray(t * size, (t + 1) * size)
  }

  fldp.explorers["nb08.project"] = {
    compute({ epsilon, clients, clip, rounds }, data) {
      const { many, scores, exact, DRAWS } = fldp.programs, { SEEN, dealt } = fldp.dealing
      const priced = fldp.kit.calibrated(epsilon, rounds, DELTA), plan = { rounds, clip, std: clip * priced.multiplier }
      const found = many(dealt(data, clients), plan, { noise: noiseOf(data, rounds, DRAWS * SEEN), exact: 1 })
      const { right, loss } = scores(found, data), times = row => row.map(value => 100 * value)
      const clean = exact(data, clients).map(row => row.slice(0, rounds))
      return {
        epsilon, clients, clip, rounds, noise: plan.std / clients, attacker: priced.attacker(),
        parts: [
          { draws: right.slice(0, DRAWS).map(times), clean: times(clean[0]), clipped: times(right[DRAWS]) },
          { draws: loss.slice(0, DRAWS), clean: clean[1], clipped: loss[DRAWS] },
        ],
      }
    },
    marks(r) {
      const t = range(r.rounds, 1)
      return r.parts.flatMap(({ draws, clean, clipped }, panel) => [
        ...cloud(t, draws, { style: "private", label: "private", panel }),
        line(t, clean, { style: "no privacy", label: "no privacy", panel, width: 2.2 }),
        line(t, clipped, { style: 0, label: "clip alone", panel, width: 1.4 }),
      ])
    },
    say(r) {
      const [[a, b], [c, d]] = r.parts.map(({ draws, clean }) => [median(draws.map(row => row.at(-1))), clean.at(-1)])
      const each = r.clients === 455 ? "one patient each" : `${Math.ceil(455 / r.clients)} patients or so each`
      return `Total ε = ${f(r.epsilon, ".3g")} at δ = 1e-5 over ${r.rounds} rounds, one of ${r.clients} clients more or ` +
        `less (${each}), clip ${f(r.clip, ".3g")}: noise of deviation ${f(r.noise, ".4f")} in each number of the mean ` +
        `update. Right are, of 100 test patients: private ${f(a, ".0f")} (median of 15 draws), no privacy ${f(b, ".0f")}; ` +
        `log loss private ${f(c, ".2f")}, no privacy ${f(d, ".2f")}.`
    },
    attacker: r => r.attacker,
  }
})
