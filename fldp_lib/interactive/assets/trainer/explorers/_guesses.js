// What the counterparts share: attackers in closed form, two clouds of dots, NumPy's random numbers.
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

  // NumPy's default generator, PCG64 (O'Neill 2014): numbers in [0, 1) as rng.random() draws them. state and step: 128 bits
  // each, as four numbers of 32 bits, the highest first, which the page's data brings along.
  const uniforms = ([state, step], n) => {
    const times = [0x2360ed05, 0x1fc65da4, 0x4385df64, 0x9fccf645].flatMap(part => [part >>> 16, part & 0xffff]).reverse()
    const halves = parts => Array.from(parts, part => part >>> 0).flatMap(part => [part >>> 16, part & 0xffff]).reverse()
    const add = halves(step), out = new Float64Array(n)
    let now = halves(state), next = new Array(8)
    for (let k = 0; k < n; k++) {
      let carry = 0
      for (let i = 0; i < 8; i++) {
        let total = carry + add[i]
        for (let j = 0; j <= i; j++) total += now[j] * times[i - j]
        next[i] = total % 65536
        carry = Math.floor(total / 65536)
      }
      ;[now, next] = [next, now]
      const low = ((now[1] ^ now[5]) * 65536 + (now[0] ^ now[4])) >>> 0, high = ((now[3] ^ now[7]) * 65536 + (now[2] ^ now[6])) >>> 0
      const turn = now[7] >>> 10, [a, b] = turn < 32 ? [high, low] : [low, high], by = turn % 32 // to the right by the six highest bits
      const up = by ? ((a >>> by) | (b << (32 - by))) >>> 0 : a, down = by ? ((b >>> by) | (a << (32 - by))) >>> 0 : b
      out[k] = (up * 2097152 + (down >>> 11)) / 9007199254740992
    }
    return out
  }
  fldp.guesses = { told, laplace, laplaces, response, gaussian, clouds, outside, uniforms }
})
