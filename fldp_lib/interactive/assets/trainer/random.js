// Random numbers with a seed: for teaching, not for a release. Noise in floating point leaks (Mironov 2012), whoever knows
// the seed can subtract it, and the streams are not Python's: where a page must show what the notebook shows, its noise is
// shipped, or drawn from the notebook's own stream (explorers/_numpy.js, _torch.js).
fldp.part(fldp => {
  const mixed = start => { // 32 bits to 32 bits, one to one, 0 to 0 (the finaliser of MurmurHash3)
    let word = Math.imul(start ^ (start >>> 16), 0x85ebca6b)
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
    return (word ^ (word >>> 16)) >>> 0
  }
  class Random { // xoshiro128** (Blackman & Vigna 2021), its state from all 53 bits of the seed by SplitMix
    constructor(seed) {
      if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`seed must be a whole number from 0, got ${seed}`)
      this.state = new Uint32Array(4).map((_, place) => mixed((seed >>> 0) + (place + 1) * 0x9e3779b9))
      this.state[3] ^= mixed(Math.floor(seed / 2 ** 32))
      this.spare = null
      for (let k = 0; k < 16; k++) this.word()
    }
    word() { // 32 bits
      const s = this.state, five = Math.imul(s[1], 5), moved = s[1] << 9
      const found = Math.imul((five << 7) | (five >>> 25), 9) >>> 0
      s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3], s[2] ^= moved
      s[3] = (s[3] << 11) | (s[3] >>> 21)
      return found
    }
    uniform() { // in [0, 1), 53 bits
      return ((this.word() >>> 5) * 2 ** 26 + (this.word() >>> 6)) / 2 ** 53
    }
    normal() { // N(0, 1), by Box and Muller's polar method (Marsaglia & Bray 1964): two at a time
      if (this.spare !== null) {
        const kept = this.spare
        this.spare = null
        return kept
      }
      let u, v, s
      do {
        u = 2 * this.uniform() - 1, v = 2 * this.uniform() - 1, s = u * u + v * v
      } while (s >= 1 || s === 0)
      const long = Math.sqrt((-2 * Math.log(s)) / s)
      this.spare = v * long
      return u * long
    }
    laplace() { // scale 1, by the inverse of its distribution function
      const u = this.uniform() - 0.5
      return -Math.sign(u) * Math.log1p(-2 * Math.min(Math.abs(u), 0.5 - 2 ** -54))
    }
    gamma(shape) { // Marsaglia & Tsang 2000
      if (shape < 1) return this.gamma(shape + 1) * (1 - this.uniform()) ** (1 / shape)
      const d = shape - 1 / 3, c = 1 / Math.sqrt(9 * d)
      for (;;) {
        const x = this.normal(), v = (1 + c * x) ** 3
        if (v > 0 && Math.log(1 - this.uniform()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v
      }
    }
    fill(array, kind) { // with unit noise: N(0, 1) or Laplace of scale 1
      if (kind !== "gaussian" && kind !== "laplace") throw new Error(`kind must be "gaussian" or "laplace", got ${kind}`)
      for (let k = 0; k < array.length; k++) array[k] = kind === "gaussian" ? this.normal() : this.laplace()
      return array
    }
    sums(array, kind, count) { // with sums of so many unit variables; a Laplace variable is a difference of two Gamma(1)
      const scale = Math.sqrt(count)
      for (let k = 0; k < array.length; k++)
        array[k] = count === 0 ? 0 : kind === "gaussian" ? scale * this.normal() : this.gamma(count) - this.gamma(count)
      return array
    }
    cohort(clients, rate) { // who takes part, each by a coin of its own (Poisson)
      return Int32Array.from(fldp.numbers.range(clients).filter(() => this.uniform() < rate))
    }
  }
  fldp.random = seed => new Random(seed)
})
