// Random numbers as the notebooks draw them: torch's generator on the CPU, in double precision.
//
// Where noise is too much to ship, a page draws it from the same stream: a Mersenne Twister (Matsumoto & Nishimura 1998) of
// the seed, 53 bits a uniform number, Box and Muller's two normal ones from two of those, in blocks of sixteen. It is what
// `torch.randn(…, dtype=torch.float64)` gives for sixteen numbers and more. Who knows the seed knows the noise: it is for
// pictures alone.
fldp.part(fldp => {
  const LONG = 624, MIDDLE = 397, BLOCK = 16
  class Stream {
    constructor(seed) {
      const state = (this.state = new Uint32Array(LONG))
      state[0] = seed
      for (let k = 1; k < LONG; k++) state[k] = Math.imul(1812433253, state[k - 1] ^ (state[k - 1] >>> 30)) + k
      this.at = LONG
    }
    twist() {
      const { state } = this
      for (let k = 0; k < LONG; k++) {
        const both = (state[k] & 0x80000000) | (state[(k + 1) % LONG] & 0x7fffffff)
        state[k] = state[(k + MIDDLE) % LONG] ^ (both >>> 1) ^ (both & 1 ? 0x9908b0df : 0)
      }
      this.at = 0
    }
    word() { // 32 bits
      if (this.at === LONG) this.twist()
      let word = this.state[this.at++]
      word ^= word >>> 11
      word ^= (word << 7) & 0x9d2c5680
      word ^= (word << 15) & 0xefc60000
      return (word ^ (word >>> 18)) >>> 0
    }
    uniform() { // in [0, 1), the low 53 of 64 bits
      const high = this.word() & 0x1fffff
      return (high * 2 ** 32 + this.word()) / 2 ** 53
    }
    normal(count) { // so many, at least sixteen, as one call of torch's draws them
      const found = new Float64Array(count)
      for (let k = 0; k < count; k++) found[k] = this.uniform()
      const block = at => {
        for (let k = at; k < at + BLOCK / 2; k++) {
          const long = Math.sqrt(-2 * Math.log(1 - found[k])), angle = 2 * Math.PI * found[k + BLOCK / 2]
          found[k] = long * Math.cos(angle)
          found[k + BLOCK / 2] = long * Math.sin(angle)
        }
      }
      for (let at = 0; at + BLOCK <= count; at += BLOCK) block(at)
      if (count % BLOCK) { // the last sixteen are drawn anew
        for (let k = count - BLOCK; k < count; k++) found[k] = this.uniform()
        block(count - BLOCK)
      }
      return found
    }
  }
  fldp.torch = seed => new Stream(seed)
})
