// Random numbers of notebook 12's city as the notebook draws them: NumPy's default generator, from its state in the data.
//
// A congruential generator of 128 bits, its output rotated by its own highest bits (O'Neill 2014), in limbs of 16 bits;
// normal numbers by the ziggurat of 256 strips of equal area (Marsaglia & Tsang 2000). Who knows the seed knows the noise:
// it is for pictures and made-up data alone.
fldp.part(fldp => {
  // Lowest first, as all limbs here.
  const TIMES = Float64Array.of(0xf645, 0x9fcc, 0xdf64, 0x4385, 0x5da4, 0x1fc6, 0xed05, 0x2360)

  // Strips of the half bell from its right end on: how wide each is, what lies surely below the curve, heights.
  const END = 3.6541528853610087963519472518, AREA = 0.00492867323399
  const ziggurat = () => {
    const wide = new Float64Array(256), sure = new Float64Array(256), high = new Float64Array(256)
    const height = x => Math.exp(-0.5 * x * x), base = AREA / height(END)
    wide[0] = base / 2 ** 52, sure[0] = Math.floor((END / base) * 2 ** 52), high[0] = 1
    let x = END
    for (let k = 255; k > 0; k--) {
      const next = k > 1 ? Math.sqrt(-2 * Math.log(AREA / x + height(x))) : 0
      wide[k] = x / 2 ** 52, sure[k] = Math.floor((next / x) * 2 ** 52), high[k] = height(x)
      x = next
    }
    return { wide, sure, high }
  }
  const { wide, sure, high } = ziggurat()

  class Stream {
    constructor(limbs) { // of its state, and of what a step adds
      this.state = Float64Array.from(limbs.subarray(0, 8))
      this.next = new Float64Array(8)
      this.plus = limbs.subarray(8, 16)
      this.spare = null
      this.low = this.high = 0
    }
    step() { // the next 64 bits, in two halves
      const { state, plus, next } = this
      let carry = 0
      for (let k = 0; k < 8; k++) {
        let total = carry + plus[k]
        for (let j = 0; j <= k; j++) total += state[j] * TIMES[k - j]
        carry = Math.floor(total / 65536) // below 2^20
        next[k] = total - carry * 65536
      }
      this.state = next
      this.next = state
      const half = k => ((next[k] | (next[k + 1] << 16)) ^ (next[k + 4] | (next[k + 5] << 16))) >>> 0
      const low = half(0), high = half(2), turn = next[7] >> 10, by = turn & 31
      const [a, b] = turn & 32 ? [high, low] : [low, high] // to the right: by whole halves, then by what is left
      this.low = by ? ((a >>> by) | (b << (32 - by))) >>> 0 : a
      this.high = by ? ((b >>> by) | (a << (32 - by))) >>> 0 : b
    }
    word() { // 32 bits: of two words the low one comes first
      if (this.spare !== null) {
        const kept = this.spare
        this.spare = null
        return kept
      }
      this.step()
      this.spare = this.high
      return this.low
    }
    uniform() { // in [0, 1)
      this.step()
      return (this.high * 2 ** 21 + (this.low >>> 11)) / 2 ** 53
    }
    below(power) { // a whole number below 2^power
      return this.word() >>> (32 - power)
    }
    normal() {
      for (;;) {
        this.step()
        const strip = this.low & 255, minus = this.low & 256, far = (this.high & 0x1fffffff) * 2 ** 23 + (this.low >>> 9)
        const x = (minus ? -1 : 1) * far * wide[strip]
        if (far < sure[strip]) return x
        if (strip) {
          if ((high[strip - 1] - high[strip]) * this.uniform() + high[strip] < Math.exp(-0.5 * x * x)) return x
        } else {
          for (;;) { // beyond the last strip
            const over = -Math.log1p(-this.uniform()) / END, room = -Math.log1p(-this.uniform())
            if (2 * room > over * over) return (Math.floor(far / 256) & 1 ? -1 : 1) * (END + over)
          }
        }
      }
    }
  }
  fldp.city = { ...fldp.city, random: limbs => new Stream(limbs) }
})
