// Notebook 20: one round's noise that undoes the last one's, the price of coming back, and how wide a band should be.
fldp.part(fldp => {
  const { line, dots, bars, text, cloud } = fldp.plots, { range, linspace, geomspace } = fldp.numbers
  const { ROUNDS, VISITS: GROUPS } = fldp.strategies, f = fldp.format, DRAWS = 40, TURNS = 10, DELTA = 1e-5
  const strategy = (data, name, band) => fldp.strategies.strategy(data, name, band) // a band counts where a strategy has one
  const role = name => (name === "independent" ? 1 : "private")

  // s·C⁻¹, the noise in the sums for some draws (draws × rounds), and its deviation there.
  const noise = fldp.kept(64, (data, name, band) => {
    const found = strategy(data, name, band), s = fldp.strategies.sensitivity(found, GROUPS)
    const rows = fldp.strategies.inverse(found).map(row => row.map(value => s * value))
    const drawn = rows.map((row, t) => {
      const added = new Float64Array(DRAWS)
      for (let k = 0; k <= t; k++) {
        if (row[k]) for (let draw = 0, at = k * DRAWS; draw < DRAWS; draw++) added[draw] += row[k] * data.fresh[at + draw]
      }
      return added
    })
    const sums = fldp.strategies.summed(drawn)
    return {
      rows, sums: range(DRAWS).map(draw => sums.map(row => row[draw])),
      left: fldp.strategies.left(found).map(value => s * Math.sqrt(value)),
    }
  })
  const wide = (name, band) => (name === "banded" || name === "optimised" ? band : ROUNDS)

  fldp.explorers["nb20.undone"] = {
    compute({ strategy: name, band, round }, data) {
      const { rows, sums, left } = noise(data, name, wide(name, band)), back = range(16), own = rows[round - 1]
      return { name, round, back, parts: back.map(k => (k < round ? own[round - 1 - k] : 0)), sums,
        here: Math.hypot(...own), left: left[round - 1], plain: Math.sqrt((ROUNDS / GROUPS) * round),
        flat: Math.sqrt(ROUNDS / GROUPS) }
    },
    marks({ name, round, back, parts, sums, left }) {
      const at = [...new Set(Array.from(linspace(0, ROUNDS - 1, 60), Math.round))], rounds = at.map(t => t + 1)
      const limit = rounds.map(t => Math.sqrt((ROUNDS / GROUPS) * t)), style = role(name)
      return [
        bars(back, parts, { style }),
        ...cloud(rounds, sums.map(draw => at.map(t => draw[t])), { style, panel: 1 }),
        ...[1, -1].map(sign => line(rounds, limit.map(value => sign * 1.645 * value), { style: 1, width: 1.2, panel: 1 })),
        text(4, 66, "independent: 90%", { style: 1, panel: 1 }),
        dots([round, round], [left, -left], { style, panel: 1, size: 4 }),
      ]
    },
    say({ round, here, left, plain, flat }) {
      return `Noise of typical size ${f(here, ".2f")} is added in round ${round}; with independent noise of the same ε it ` +
        `is ${f(flat, ".2f")}. In the sum of all rounds so far ${f(left, ".1f")} is left, with independent noise ` +
        `${f(plain, ".1f")}. (In units of noise multiplier times clip; ${ROUNDS} rounds, each client in every ${GROUPS}th.)`
    },
  }

  // What a client moves who comes so often, so far apart.
  const fitted = (data, name) => strategy(data, name, wide(name, GROUPS))
  const { price, moved } = fldp.strategies
  const APART = [...new Set(Array.from(geomspace(2, 100, 24), Math.round))]

  fldp.explorers["nb20.returns"] = {
    compute({ strategy: name, apart, visits: asked }, data) {
      const found = fitted(data, name), visits = Math.min(asked, 1 + Math.floor((ROUNDS - 1) / apart))
      const rows = moved(found, visits, apart), grid = APART.filter(b => (visits - 1) * b < ROUNDS)
      return { name, apart, visits, rows, grid, here: Math.hypot(...rows), curve: grid.map(b => price(found, visits, b)),
        one: price(found, 1, 1) }
    },
    marks({ name, apart, visits, rows, grid, here, curve, one }) {
      const even = one * Math.sqrt(visits), style = role(name)
      return [
        bars(range(ROUNDS, 1), Array.from(rows), { style, width: 1 }),
        line([2, 100], [even, even], { style: 5, label: "no overlap", panel: 1, width: 1.2 }),
        line(grid, curve, { style, panel: 1 }), dots([apart], [here], { style, panel: 1, size: 5 }),
      ]
    },
    say({ visits, apart, here, one }) {
      return `A client with ${fldp.count(visits, "visit", "visits")}, ${apart} rounds apart, moves the noisy rows by ` +
        `${f(here, ".2f")} clips (L2); with one visit, by ${f(one, ".2f")}; if its columns did not overlap, by ` +
        `${f(one * Math.sqrt(visits), ".2f")} at most. The noise has to grow by as much.`
    },
  }

  // Ten visits were promised to lie 20 rounds apart; of a client whose ten lie closer: μ of the run.
  const NEAR = range(20, 1)
  const real = (data, name, promised, apart) => {
    const found = fitted(data, name)
    return (fldp.accounting.gaussian.mu(promised, DELTA) * price(found, TURNS, apart)) / price(found, TURNS, GROUPS)
  }
  fldp.explorers["nb20.early"] = {
    compute({ epsilon, apart, strategy: name }, data) {
      const shown = ["independent", name].map(own =>
        NEAR.map(b => fldp.accounting.gaussian.epsilon(real(data, own, epsilon, b), DELTA)))
      const [attacker, claimed] = [apart, GROUPS].map(b =>
        fldp.accounting.attacker({ mu: real(data, name, epsilon, b), delta: DELTA }))
      return { epsilon, apart, shown, real: shown[1][apart - 1], attacker, claimed }
    },
    marks({ apart, shown, real }) {
      return [
        line(NEAR, shown[0], { style: 1, label: "independent" }),
        line(NEAR, shown[1], { style: "private", label: "correlated" }),
        dots([apart], [real], { style: "private", size: 5 }),
      ]
    },
    say({ epsilon, apart, real, attacker, claimed }) {
      const told = f(epsilon, ".3g")
      return `Priced for ten visits 20 rounds apart at total ε = ${told}. To a client whose visits lie ${apart} apart, if ` +
        `it still comes only ten times, the run is ε = ${f(real, ".3g")} with correlated noise, and ${told} with ` +
        `independent noise, which counts visits only. The best attacker is right about ${attacker.people} of 100 such ` +
        `clients in place of ${claimed.people}.`
    },
    attacker: r => r.attacker,
  }

  // The noise left in the sums at equal ε, by the band and by the rounds between visits.
  const BANDS = [1, 2, 3, 5, 8, 12, 16, 20, 25, 30, 40, 60]
  const error = (data, name, band, apart) => {
    const found = strategy(data, name, band)
    return fldp.strategies.sensitivity(found, apart) * Math.sqrt(fldp.strategies.variance(found))
  }
  fldp.explorers["nb20.widths"] = {
    compute({ band, apart }, data) {
      const [shown, best] = ["banded", "optimised"].map(name => BANDS.map(b => error(data, name, b, apart)))
      return { band, apart, shown: [shown, best], alone: error(data, "independent", 1, apart),
        full: error(data, "sqrt", ROUNDS, apart), plain: error(data, "banded", band, apart),
        best: error(data, "optimised", band, apart) }
    },
    marks(r) {
      return [
        line([1, 60], [r.alone, r.alone], { style: 1, label: "independent", width: 1.2 }),
        line([1, 60], [r.full, r.full], { style: 5, label: "full root", width: 1.2 }),
        line(BANDS, r.shown[0], { style: 2, label: "band" }),
        line(BANDS, r.shown[1], { style: "private", label: "best band" }),
        dots([r.band], [r.best], { style: "private", size: 5 }),
      ]
    },
    say(r) {
      return `Visits ${r.apart} rounds apart, a band of ${r.band}: ${f(r.best, ".1f")} multipliers of noise in the sums ` +
        `(root mean square) with the coefficients that are best while visits do not overlap, ${f(r.plain, ".1f")} with ` +
        `the square root's first ones, ${f(r.alone, ".1f")} with independent noise. Kept in memory: ${r.band - 1} times ` +
        "the model."
    },
  }
})
