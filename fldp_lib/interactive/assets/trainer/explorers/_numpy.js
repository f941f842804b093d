// How NumPy's default generator deals records out by uneven shares: PCG64, gamma and beta laws, Dirichlet draws, choices.
//
// A page draws what the notebook draws, at any concentration, from the same stream. The laws are by rejection: exponential
// and normal numbers by a ziggurat of 256 layers (Marsaglia & Tsang 2000), gamma numbers below shape 1 by Ahrens & Dieter
// (1974), from there on by Marsaglia & Tsang (2000), beta numbers of small shapes by Jöhnk (1964). It is for pictures alone.
fldp.part(fldp => {
  const LAYERS = 256

  // Layers of equal area under a falling curve f from 0 on: how far each number of so many bits reaches in a layer, below
  // which it lies under the curve for sure, and the curve's height.
  const ziggurat = (f, inverse, edge, tail, bits) => {
    const area = edge * f(edge) + tail, far = new Float64Array(LAYERS), most = 2 ** bits
    far[LAYERS - 1] = edge
    for (let k = LAYERS - 2; k > 0; k--) far[k] = inverse(area / far[k + 1] + f(far[k + 1]))
    const wide = Float64Array.from(far, (x, k) => (k ? x : area / f(edge)) / most)
    const sure = Float64Array.from(far, (x, k) => (k === 0 ? edge / (area / f(edge)) : k === 1 ? 0 : far[k - 1] / x) * most)
    return { wide, sure, high: Float64Array.from(far, (x, k) => (k ? f(x) : 1)) }
  }
  const R = 3.6541528853610088, E = 7.69711747013104972 // where the last layers end
  const tables = fldp.kept(1, () => [
    ziggurat(x => Math.exp((-x * x) / 2), y => Math.sqrt(-2 * Math.log(y)), R,
      Math.sqrt(Math.PI / 2) * fldp.normal.erfc(R / Math.SQRT2), 52),
    ziggurat(x => Math.exp(-x), y => -Math.log(y), E, Math.exp(-E), 53),
  ])

  class Generator {
    constructor([state, step]) { // 128 bits each, as four numbers of 32 bits, the highest first
      const halves = parts => Array.from(parts, part => part >>> 0).flatMap(part => [part >>> 16, part & 0xffff]).reverse()
      this.now = halves(state), this.add = halves(step), this.next = new Array(8), this.spare = null
      this.times = halves([0x2360ed05, 0x1fc65da4, 0x4385df64, 0x9fccf645])
      ;[this.normals, this.exponentials] = tables()
    }
    word() { // 64 bits, in `up` and `down`
      const { now, next, add, times } = this
      for (let i = 0, carry = 0; i < 8; i++) {
        let total = carry + add[i]
        for (let j = 0; j <= i; j++) total += now[j] * times[i - j]
        next[i] = total % 65536
        carry = Math.floor(total / 65536)
      }
      this.now = next, this.next = now
      const low = (((next[1] ^ next[5]) << 16) | (next[0] ^ next[4])) >>> 0
      const high = (((next[3] ^ next[7]) << 16) | (next[2] ^ next[6])) >>> 0
      const turn = next[7] >>> 10, [a, b] = turn < 32 ? [high, low] : [low, high], by = turn % 32
      this.up = by ? ((a >>> by) | (b << (32 - by))) >>> 0 : a
      this.down = by ? ((b >>> by) | (a << (32 - by))) >>> 0 : b
    }
    uniform() {
      this.word()
      return (this.up * 2097152 + (this.down >>> 11)) / 9007199254740992
    }
    exponential() {
      const { wide, sure, high } = this.exponentials
      for (;;) {
        this.word()
        const layer = (this.down >>> 3) & 255, number = this.up * 2 ** 21 + (this.down >>> 11), x = number * wide[layer]
        if (number < sure[layer]) return x
        if (!layer) return E - Math.log(1 - this.uniform())
        if ((high[layer - 1] - high[layer]) * this.uniform() + high[layer] < Math.exp(-x)) return x
      }
    }
    normal() {
      const { wide, sure, high } = this.normals
      for (;;) {
        this.word()
        const layer = this.down & 255, sign = (this.down >>> 8) & 1
        const number = (this.up & 0x1fffffff) * 2 ** 23 + (this.down >>> 9), x = (sign ? -1 : 1) * number * wide[layer]
        if (number < sure[layer]) return x
        if (layer) {
          if ((high[layer - 1] - high[layer]) * this.uniform() + high[layer] < Math.exp((-x * x) / 2)) return x
          continue
        }
        const below = (this.down >>> 17) & 1
        for (;;) {
          const more = -Math.log(1 - this.uniform()) / R, y = -Math.log(1 - this.uniform())
          if (y + y > more * more) return below ? -(R + more) : R + more
        }
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
    half() { // 32 bits: the lower half of a word, then the other
      if (this.spare !== null) {
        const kept = this.spare
        this.spare = null
        return kept
      }
      this.word()
      this.spare = this.up
      return this.down
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

  // Who of so many clients gets each record, and the order in which records are dealt: every label is spread by a draw of
  // its own, labels ascending.
  const spread = (stream, labels, clients, alpha) => {
    const generator = new Generator(stream), owner = new Int32Array(labels.length)
    const kinds = [...new Set(labels)].sort((a, b) => a - b)
    for (const kind of kinds) {
      const members = fldp.numbers.range(labels.length).filter(k => labels[k] === kind)
      generator.choice(generator.shares(clients, alpha), members.length).forEach((own, k) => { owner[members[k]] = own })
    }
    return { owner, order: generator.permutation(labels.length) }
  }
  fldp.numpy = { Generator, spread }
})
