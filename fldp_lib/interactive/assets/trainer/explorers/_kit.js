// What the counterparts of the exhibits share: words for numbers, quantiles of rows, a run's price and attacker.
fldp.part(fldp => {
  // A positive number in two digits, as one writes it by hand.
  const short = value => (value < 0.001 ? "less than 0.001" : fldp.format(Number(fldp.format(value, ".2g")), ",g"))

  // A number in three digits, its thousands written out; a positive chance in two, one too small for numbers as such.
  const three = value => fldp.format(value, Math.abs(value) >= 999.5 ? ",.0f" : ".3g")
  const chance = value => (value >= 1e-300 ? fldp.format(value, ".2g") : "less than 1e-300")

  // Quantiles of rows, column by column: rows a list of equally long rows of numbers.
  const columns = (rows, q) => fldp.numbers.range(rows[0].length).map(k => fldp.numbers.quantile(rows.map(row => row[k]), q))

  // Gaussian noise, in everybody's sum once a round, with the least multiplier that keeps all rounds within (ε, δ).
  const calibrated = fldp.kept(256, (epsilon, rounds, delta) => {
    const mu = fldp.accounting.gaussian.mu(epsilon, delta), each = mu / Math.sqrt(rounds)
    const muOf = after => each * Math.sqrt(after)
    return {
      epsilon, rounds, delta, multiplier: 1 / each,
      spent: after => (after === rounds ? epsilon : fldp.accounting.gaussian.epsilon(muOf(after), delta)),
      attacker: (after = rounds) =>
        fldp.accounting.attacker({ mu: muOf(after), delta, epsilon: after === rounds ? epsilon : undefined }),
    }
  })
  fldp.kit = { short, three, chance, columns, calibrated }
})
