// What the counterparts share: attackers in closed form, two clouds of dots.
fldp.part(fldp => {
  const { dots, people } = fldp.plots
  const told = (even, epsilon, delta = 0) => ({
    evenOdds: even, people: Number(fldp.format(100 * even, ".0f")), bound: fldp.accounting.bestGuess(epsilon, delta),
  })
  // One number with Laplace noise of scale sensitivity/ε; and one of k categories by randomised response.
  const laplace = epsilon => told(1 - Math.exp(-epsilon / 2) / 2, epsilon)
  const response = (epsilon, k) => told((1 + Math.expm1(epsilon) / (Math.expm1(epsilon) + k)) / 2, epsilon)
  // So many numbers with Laplace noise, each of them at ε = each.
  const laplaces = (each, rounds) =>
    rounds === 1 ? laplace(each) : fldp.accounting.attacker({ each, rounds, delta: 0, epsilon: each * rounds })
  // Gaussian noise by its multiplier, so many rounds.
  const gaussian = (multiplier, rounds = 1, delta = 1e-5) => fldp.accounting.attacker({ mu: Math.sqrt(rounds) / multiplier, delta })

  // Two registers' published numbers as dots, in above out, and where the truth is. noise, heights: 2 rows, one after the other.
  const clouds = (at, noise, heights, [low, high]) => {
    const marks = [], each = noise.length / 2
    at.forEach((place, row) => {
      const style = row ? 5 : "private", x = [], y = []
      for (let k = row * each; k < (row + 1) * each; k++)
        if (place + noise[k] >= low && place + noise[k] <= high) x.push(place + noise[k]), y.push(1.25 - row + heights[k])
      marks.push(dots(x, y, { style, size: 1.8, opacity: 0.55 }), people([place], [1.13 - row], { style, size: 7 }))
    })
    return marks
  }
  const outside = (at, noise, [low, high]) => {
    const each = noise.length / 2
    return noise.filter((z, k) => at[Math.floor(k / each)] + z < low || at[Math.floor(k / each)] + z > high).length
  }
  fldp.guesses = { told, laplace, laplaces, response, gaussian, clouds, outside }
})
