// Random numbers as the notebooks draw them: NumPy's default generator, PCG64 (O'Neill 2014), from a seed of whole numbers.
//
// What depends on a setting a page draws from the same stream, by the same methods: uniform numbers, exponential and normal
// ones by a ziggurat of 256 layers (Marsaglia & Tsang 2000); _numpy_laws.js has the other laws. Who knows the seed knows the
// noise: it is for pictures alone.
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

  class Stream {
    constructor(seed) { // whole numbers below 2³²
      const words = spread(seed), wide = (high, low) => halves([words[low], words[low + 1], words[high], words[high + 1]])
      const start = wide(0, 2), step = wide(4, 6)
      this.step = Int32Array.from(step, (half, k) => ((half << 1) | (k ? step[k - 1] >>> 15 : 1)) & 0xffff)
      this.state = new Int32Array(8)
      this.next = new Int32Array(8)
      this.high = this.low = 0
      this.spare = null
      ;[this.normals, this.exponentials] = tables()
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
    half() { // the next 32 bits: the lower ones of a word, then the others
      if (this.spare !== null) {
        const kept = this.spare
        this.spare = null
        return kept
      }
      this.word()
      this.spare = this.high
      return this.low
    }
    exponential() {
      const { wide, sure, high } = this.exponentials
      for (;;) {
        this.word()
        const layer = (this.low >>> 3) & 255, number = this.high * 2 ** 21 + (this.low >>> 11), x = number * wide[layer]
        if (number < sure[layer]) return x
        if (!layer) return E - Math.log1p(-this.uniform())
        if ((high[layer - 1] - high[layer]) * this.uniform() + high[layer] < Math.exp(-x)) return x
      }
    }
    normal() {
      const { wide, sure, high } = this.normals
      for (;;) {
        this.word()
        const { low } = this, layer = low & 255, minus = low & 256
        const far = (this.high & 0x1fffffff) * 2 ** 23 + (low >>> 9), x = (minus ? -far : far) * wide[layer]
        if (far < sure[layer]) return x
        if (layer) {
          if ((high[layer - 1] - high[layer]) * this.uniform() + high[layer] < Math.exp((-x * x) / 2)) return x
          continue
        }
        for (;;) { // beyond the last layer
          const over = -Math.log1p(-this.uniform()) / R, lift = -Math.log1p(-this.uniform())
          if (2 * lift > over * over) return (low >>> 17) & 1 ? -(R + over) : R + over
        }
      }
    }
  }
  fldp.numpy = (...seed) => new Stream(seed)
  fldp.numpy.Stream = Stream
})
