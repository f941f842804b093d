// Laws by NumPy's stream, each by NumPy's own method: counts, gamma and beta numbers, Dirichlet's shares, choices, orders.
//
// Binomial counts by inversion and by BTPE (Kachitvichyanukul & Schmeiser 1988); gamma numbers below shape 1 by Ahrens &
// Dieter (1974), from there on by Marsaglia & Tsang (2000); beta numbers of small shapes by Jöhnk (1964).
fldp.part(fldp => {
  class Laws extends fldp.numpy.Stream {
    binomial(n, p) {
      if (n === 0 || p === 0) return 0
      const few = p <= 0.5 ? p : 1 - p, found = few * n <= 30 ? this.inverted(n, few) : this.many(n, few)
      return p <= 0.5 ? found : n - found
    }
    multinomial(n, shares) { // how many of n fall where
      const found = new Int32Array(shares.length)
      let rest = 1
      for (let k = 0; k < shares.length - 1 && n > 0; k++) {
        n -= found[k] = this.binomial(n, shares[k] / rest)
        rest -= shares[k]
      }
      found[shares.length - 1] += Math.max(n, 0)
      return found
    }
    inverted(n, p) {
      const q = 1 - p, none = Math.exp(n * Math.log(q)), mean = n * p
      const most = Math.floor(Math.min(n, mean + 10 * Math.sqrt(mean * q + 1)))
      let found = 0, share = none, u = this.uniform()
      while (u > share) {
        if (++found > most) {
          found = 0
          share = none
          u = this.uniform()
        } else {
          u -= share
          share = ((n - found + 1) * p * share) / (found * q)
        }
      }
      return found
    }
    many(n, p) { // p ≤ ½, n·p > 30: a triangle, two parallelograms and two tails around the middle
      const q = 1 - p, top = n * p + p, m = Math.floor(top), spreads = n * p * q
      const p1 = Math.floor(2.195 * Math.sqrt(spreads) - 4.6 * q) + 0.5, xm = m + 0.5, xl = xm - p1, xr = xm + p1
      const c = 0.134 + 20.5 / (15.3 + m), al = (top - xl) / (top - xl * p), ar = (xr - top) / (xr * q)
      const left = al * (1 + al / 2), right = ar * (1 + ar / 2)
      const p2 = p1 * (1 + 2 * c), p3 = p2 + c / left, p4 = p3 + c / right
      const stirling = x => (13680 - (462 - (132 - (99 - 140 / x / x) / x / x) / x / x) / x / x) / x / 166320
      for (;;) {
        const u = this.uniform() * p4
        let v = this.uniform(), y
        if (u <= p1) return Math.floor(xm - p1 * v + u)
        if (u <= p2) {
          const x = xl + (u - p1) / c
          v = v * c + 1 - Math.abs(m - x + 0.5) / p1
          if (v > 1) continue
          y = Math.floor(x)
        } else if (u <= p3) {
          y = Math.floor(xl + Math.log(v) / left)
          if (y < 0 || v === 0) continue
          v *= (u - p2) * left
        } else {
          y = Math.floor(xr - Math.log(v) / right)
          if (y > n || v === 0) continue
          v *= (u - p3) * right
        }
        const k = Math.abs(y - m)
        if (k <= 20 || k >= spreads / 2 - 1) {
          const s = p / q, a = s * (n + 1)
          let share = 1
          for (let i = m + 1; i <= y; i++) share *= a / i - s
          for (let i = y + 1; i <= m; i++) share /= a / i - s
          if (v <= share) return y
          continue
        }
        const slack = (k / spreads) * ((k * (k / 3 + 0.625) + 1 / 6) / spreads + 0.5), goal = (-k * k) / (2 * spreads)
        const log = Math.log(v), x = y + 1, f = m + 1, z = n + 1 - m, w = n - y + 1
        if (log < goal - slack) return y
        if (log > goal + slack) continue
        const most = xm * Math.log(f / x) + (n - m + 0.5) * Math.log(z / w) + (y - m) * Math.log((w * p) / (x * q))
        if (log <= most + stirling(f) + stirling(z) + stirling(x) + stirling(w)) return y
      }
    }
    gamma(shape) {
      if (shape === 1) return this.exponential()
      if (shape < 1) {
        for (;;) {
          const u = this.uniform(), v = this.exponential()
          if (u <= 1 - shape) {
            const x = u ** (1 / shape)
            if (x <= v) return x
          } else {
            const y = -Math.log((1 - u) / shape), x = (1 - shape + shape * y) ** (1 / shape)
            if (x <= v + y) return x
          }
        }
      }
      const b = shape - 1 / 3, c = 1 / Math.sqrt(9 * b)
      for (;;) {
        let x, v
        do {
          x = this.normal(), v = 1 + c * x
        } while (v <= 0)
        v = v * v * v
        const u = this.uniform()
        if (u < 1 - 0.0331 * (x * x) * (x * x) || Math.log(u) < 0.5 * x * x + b * (1 - v + Math.log(v))) return b * v
      }
    }
    beta(a, b) {
      if (a > 1 || b > 1) {
        const one = this.gamma(a)
        return one / (one + this.gamma(b))
      }
      for (;;) {
        const x = this.uniform() ** (1 / a), y = this.uniform() ** (1 / b)
        if (x + y <= 1 && x + y > 0) return x / (x + y)
      }
    }
    permutation(count) { // by swaps from the end on; a place beyond the rest is drawn anew
      const found = Int32Array.from(fldp.numbers.range(count))
      for (let k = count - 1; k > 0; k--) {
        const mask = 2 ** (32 - Math.clz32(k)) - 1
        let other
        do other = (this.half() & mask) >>> 0
        while (other > k)
        const here = found[k]
        found[k] = found[other]
        found[other] = here
      }
      return found
    }
    shares(count, alpha) { // a Dirichlet draw, all concentrations alike; small ones by breaking a stick
      if (alpha >= 0.1) {
        const found = Float64Array.from({ length: count }, () => this.gamma(alpha))
        const whole = 1 / found.reduce((sum, value) => sum + value, 0)
        return found.map(value => value * whole)
      }
      const rest = new Float64Array(count), found = new Float64Array(count)
      for (let k = count - 1, sum = 0; k >= 0; k--) rest[k] = sum += alpha
      let left = 1
      for (let k = 0; k < count - 1; k++) {
        const part = this.beta(alpha, rest[k + 1])
        found[k] = left * part
        left *= 1 - part
      }
      found[count - 1] = left
      return found
    }
    choice(shares, count) { // so many places, with chances that add up to 1
      const ends = shares.slice()
      for (let k = 1; k < ends.length; k++) ends[k] += ends[k - 1]
      const whole = ends.at(-1)
      return Int32Array.from({ length: count }, () => {
        const u = this.uniform()
        let k = 0
        while (ends[k] / whole <= u) k++
        return k
      })
    }
  }
  fldp.numpy = (...seed) => new Laws(seed)

  // Who of so many clients gets each record, and the order in which records are dealt: every label is spread by a draw of
  // its own, labels ascending.
  fldp.numpy.spread = (stream, labels, clients, alpha) => {
    const owner = new Int32Array(labels.length)
    const kinds = [...new Set(labels)].sort((a, b) => a - b)
    for (const kind of kinds) {
      const members = fldp.numbers.range(labels.length).filter(k => labels[k] === kind)
      stream.choice(stream.shares(clients, alpha), members.length).forEach((own, k) => { owner[members[k]] = own })
    }
    return { owner, order: stream.permutation(labels.length) }
  }
})
