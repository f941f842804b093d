// What the counterparts of the exhibits share: results that are kept, words for numbers, a run's attacker.
fldp.part(fldp => {
  // A function of data and of numbers or texts that keeps its last results, so that a move computes only what it changes.
  const kept = (most, run) => {
    const known = new Map()
    return (data, ...at) => {
      const key = JSON.stringify(at)
      let found = known.get(key)
      if (found?.data !== data) found = { data, value: run(data, ...at) }
      known.delete(key) // the last one used stands last
      known.set(key, found)
      if (known.size > most) known.delete(known.keys().next().value)
      return found.value
    }
  }
  const count = (number, one, many) => `${number} ${number === 1 ? one : many}`

  // A positive number in two digits, as one writes it by hand.
  const short = value => (value < 0.001 ? "less than 0.001" : fldp.format(Number(fldp.format(value, ".2g")), ",g"))

  // Quantiles of rows, column by column: rows a list of equally long rows of numbers.
  const columns = (rows, q) => fldp.numbers.range(rows[0].length).map(k => fldp.numbers.quantile(rows.map(row => row[k]), q))

  // Gaussian noise, in everybody's sum once a round, with the least multiplier that keeps all rounds within (ε, δ).
  const calibrated = kept(256, (_, epsilon, rounds, delta) => {
    const mu = fldp.accounting.gaussian.mu(epsilon, delta), each = mu / Math.sqrt(rounds)
    const muOf = after => each * Math.sqrt(after)
    return {
      epsilon, rounds, delta, multiplier: 1 / each,
      spent: after => (after === rounds ? epsilon : fldp.accounting.gaussian.epsilon(muOf(after), delta)),
      attacker: (after = rounds) =>
        fldp.accounting.attacker({ mu: muOf(after), delta, epsilon: after === rounds ? epsilon : undefined }),
    }
  })
  fldp.kit = { kept, count, short, columns, calibrated: (...about) => calibrated(null, ...about) }
})
