// Strategies for sums over rounds, as fldp_lib/privacy/strategies.py has them: C, its inverse, its sensitivity.
//
// C (rounds × rounds) is a banded Toeplitz matrix with rescaled columns, or the binary tree of sums. Matrices are rows of
// numbers. The coefficients of the best bands come with the data, found once by a search; all else is computed here.
fldp.part(fldp => {
  const { range } = fldp.numbers, ROUNDS = 200, VISITS = 20

  const squareRoot = count => {
    const found = new Float64Array(count).fill(1)
    for (let k = 1; k < count; k++) found[k] = (found[k - 1] * (2 * k - 1)) / (2 * k)
    return found
  }
  const best = ({ best }, band) => { // in millionths, the bands 1, 2, … one after the other
    const first = (band * (band - 1)) / 2
    return Float64Array.from(best.subarray(first, first + band), value => value / 1e6)
  }
  const lowest = round => round & -round // the largest power of two that divides it

  // A sum in NumPy's order, eight at a time: which of equally bad visits counts as the worst hangs on the last bit.
  const total = values => {
    const parts = range(8).map(() => 0), whole = values.length - (values.length % 8)
    if (!whole) return values.reduce((sum, value) => sum + value, 0)
    for (let k = 0; k < whole; k++) parts[k % 8] += values[k]
    const [a, b, c, d, e, f, g, h] = parts
    return values.subarray(whole).reduce((sum, value) => sum + value, a + b + (c + d) + (e + f + (g + h)))
  }

  // First column of the Toeplitz matrix's inverse.
  const inverted = coefficients => {
    const found = new Float64Array(ROUNDS)
    found[0] = 1
    for (let t = 1; t < ROUNDS; t++) {
      let told = 0
      for (let back = 1; back < coefficients.length && back <= t; back++) told += coefficients[back] * found[t - back]
      found[t] = -told
    }
    return found
  }

  // name: "independent", "tree", "sqrt", "banded" or "optimised", the last two with a band.
  const strategy = fldp.kept(256, (data, name, band = null) => {
    const tree = name === "tree", wide = name === "independent" ? 1 : Math.min(band ?? ROUNDS, ROUNDS)
    const coefficients = tree ? null : name === "optimised" ? best(data, wide) : squareRoot(wide)
    const scale = new Float64Array(ROUNDS).fill(1)
    if (name === "optimised") { // columns of one norm, the last ones, which are cut, too
      const whole = total(coefficients.map(value => value * value))
      for (let t = ROUNDS - 1, square = 0, back = 0; t >= 0; t--, back++) {
        if (back < wide) square += coefficients[back] ** 2
        scale[t] = Math.sqrt(back < wide ? square : whole)
      }
    }
    return { name, tree, coefficients, scale, column: tree ? null : inverted(coefficients) }
  })

  // Adds a column of C, from its diagonal down, to a row of numbers over the rounds.
  const addColumn = ({ tree, coefficients, scale }, at, into) => {
    if (!tree) {
      const share = 1 / scale[at]
      for (let k = 0; k < coefficients.length && at + k < ROUNDS; k++) into[at + k] += coefficients[k] * share
    } else for (let t = at + 1; t <= ROUNDS; t++) if (t - lowest(t) <= at) into[t - 1]++
  }
  const squares = row => row.reduce((sum, value) => sum + value * value, 0)

  // What a client moves in each row that comes in the rounds `first`, `first` + apart, …, so often or to the end.
  const pattern = (strategy, first, apart, visits = Infinity) => {
    const moved = new Float64Array(ROUNDS), most = Math.min(visits, Math.ceil((ROUNDS - first) / apart))
    for (let k = most - 1; k >= 0; k--) addColumn(strategy, first + k * apart, moved)
    return moved
  }
  const sensitivity = fldp.kept(4096, (strategy, separation) => { // to a client that comes back as often as it can
    let most = 0
    for (let first = 0; first < Math.min(separation, ROUNDS); first++) {
      most = Math.max(most, squares(pattern(strategy, first, separation)))
    }
    return Math.sqrt(most)
  })
  const moved = fldp.kept(4096, (strategy, visits, apart) => { // by a client that comes so often, at the worst of all starts
    const columns = range(ROUNDS - (visits - 1) * apart).map(first => pattern(strategy, first, apart, visits))
    const sizes = columns.map(squares)
    return columns[sizes.indexOf(Math.max(...sizes))]
  })
  const price = (strategy, visits, apart) => Math.sqrt(squares(moved(strategy, visits, apart)))

  // C⁻¹: row t is what round t adds of the fresh numbers of all rounds.
  const inverse = fldp.kept(64, ({ tree, scale, column }) => {
    const rows = range(ROUNDS).map(() => new Float64Array(ROUNDS))
    for (let t = 0; t < ROUNDS; t++) {
      if (!tree) for (let k = 0; k <= t; k++) rows[t][k] = scale[t] * column[t - k]
      else { // round t's row of C is the sum over the last of them, less what shorter sums before it told
        rows[t][t] = 1
        for (let step = 1; step < lowest(t + 1); step *= 2) rows[t][t - step] = -1
      }
    }
    return rows
  })
  const summed = rows => { // down the rounds
    const sums = rows.map(row => Float64Array.from(row))
    for (let t = 1; t < sums.length; t++) for (let k = 0; k < sums[t].length; k++) sums[t][k] += sums[t - 1][k]
    return sums
  }
  const left = fldp.kept(256, strategy => Float64Array.from(summed(inverse(strategy)), squares)) // in the sums, but for s²
  const variance = strategy => fldp.numbers.mean(left(strategy))

  fldp.strategies = { ROUNDS, VISITS, strategy, sensitivity, moved, price, inverse, summed, left, variance }
})
