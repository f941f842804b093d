// Random numbers as the notebooks draw them: NumPy's default generator, PCG64 (O'Neill 2014), from a seed of whole numbers.
//
// Where counts and noise depend on a setting, a page draws them from the same stream, by the same methods: uniform numbers,
// normal ones by the ziggurat (Marsaglia & Tsang 2000), binomial ones by inversion and by BTPE (Kachitvichyanukul &
// Schmeiser 1988). Who knows the seed knows the noise: it is for pictures alone.
fldp.part(fldp => {
  const TIMES = Int32Array.of(0xf645, 0x9fcc, 0xdf64, 0x4385, 0x5da4, 0x1fc6, 0xed05, 0x2360) // 128 bits, the lowest first

  // Eight words of 32 bits from the seed's: SeedSequence, after O'Neill's randutils.
  const spread = entropy => {
    const pool = new Uint32Array(4)
    let turn = 0x43b0d7e5
    const mixed = (word, times) => {
      word ^= turn
      turn = Math.imul(turn, times)
      word = Math.imul(word, turn)
      return word ^ (word >>> 16)
    }
    const both = (a, b) => {
      const word = Math.imul(0xca01f9dd, a) - Math.imul(0x4973f715, b)
      return word ^ (word >>> 16)
    }
    for (let k = 0; k < 4; k++) pool[k] = mixed(entropy[k] ?? 0, 0x931e8875)
    for (let from = 0; from < 4; from++)
      for (let to = 0; to < 4; to++) if (from !== to) pool[to] = both(pool[to], mixed(pool[from], 0x931e8875))
    for (const word of entropy.slice(4)) for (let to = 0; to < 4; to++) pool[to] = both(pool[to], mixed(word, 0x931e8875))
    turn = 0x8b51f9dd
    return Uint32Array.from({ length: 8 }, (_, k) => mixed(pool[k % 4], 0x58f38ded))
  }
  const halves = words => Array.from(words).flatMap(word => [word & 0xffff, word >>> 16]) // the lowest first

  // The ziggurat's 256 layers of one area: how wide, where a number is surely inside, how high.
  const R = 3.6541528853610088, LAYERS = 256, PARTS = 2 ** 52
  const ziggurat = () => {
    const height = x => Math.exp((-x * x) / 2), area = R * height(R) + Math.sqrt(2 * Math.PI) * fldp.normal.cdf(-R)
    const wide = new Float64Array(LAYERS), inside = new Float64Array(LAYERS), high = new Float64Array(LAYERS)
    let x = R
    wide[0] = area / height(R) / PARTS
    inside[0] = Math.floor((R / (area / height(R))) * PARTS)
    for (let k = LAYERS - 1; k > 0; k--) {
      const next = k > 1 ? Math.sqrt(-2 * Math.log(area / x + height(x))) : 0
      wide[k] = x / PARTS
      inside[k] = Math.floor((next / x) * PARTS)
      high[k] = height(x)
      x = next
    }
    high[0] = 1
    return { wide, inside, high }
  }
  let layers = null

  class Stream {
    constructor(seed) { // whole numbers below 2³²
      const words = spread(seed), wide = (high, low) => halves([words[low], words[low + 1], words[high], words[high + 1]])
      const start = wide(0, 2), step = wide(4, 6)
      this.step = Int32Array.from(step, (half, k) => ((half << 1) | (k ? step[k - 1] >>> 15 : 1)) & 0xffff)
      this.state = new Int32Array(8)
      this.next = new Int32Array(8)
      this.high = this.low = 0
      this.word()
      for (let k = 0, carry = 0; k < 8; k++) {
        carry += this.state[k] + start[k]
        this.state[k] = carry & 0xffff
        carry >>>= 16
      }
      this.word()
    }
    word() { // the next 64 bits, in `high` and `low`
      const { state: s, next, step } = this
      for (let k = 0, carry = 0; k < 8; k++) {
        let total = carry + step[k]
        for (let j = 0; j <= k; j++) total += s[k - j] * TIMES[j]
        carry = (total / 65536) | 0
        next[k] = total & 0xffff
      }
      this.state = next
      this.next = s
      const low = (next[0] ^ next[4]) | ((next[1] ^ next[5]) << 16), high = (next[2] ^ next[6]) | ((next[3] ^ next[7]) << 16)
      const turn = next[7] >>> 10, by = turn & 31 // to the right by the six highest bits
      const a = turn < 32 ? high : low, b = turn < 32 ? low : high
      this.high = (by ? (a >>> by) | (b << (32 - by)) : a) >>> 0
      this.low = (by ? (b >>> by) | (a << (32 - by)) : b) >>> 0
    }
    uniform() { // in [0, 1)
      this.word()
      return (this.high * 2097152 + (this.low >>> 11)) / 9007199254740992
    }
    normal() {
      layers ??= ziggurat()
      for (;;) {
        this.word()
        const { high, low } = this, layer = low & 0xff, minus = low & 0x100
        const far = (high & 0x1fffffff) * 2 ** 23 + (low >>> 9), x = (minus ? -far : far) * layers.wide[layer]
        if (far < layers.inside[layer]) return x
        if (layer) {
          const below = layers.high[layer]
          if ((layers.high[layer - 1] - below) * this.uniform() + below < Math.exp((-x * x) / 2)) return x
          continue
        }
        for (;;) {
          const over = -Math.log1p(-this.uniform()) / R, lift = -Math.log1p(-this.uniform())
          if (2 * lift > over * over) return (low >>> 17) & 1 ? -(R + over) : R + over
        }
      }
    }
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
  }
  fldp.numpy = (...seed) => new Stream(seed)
})
