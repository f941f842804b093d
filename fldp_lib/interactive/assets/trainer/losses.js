// The privacy loss of rounds of Laplace noise, composed numerically: ε at δ, δ at ε, and what an attacker can do.
//
// One round's loss ln P/Q (P: with the client, Q: without) is put on a grid so that both P and Q keep their mass in every
// cell ("connect the dots", Doroshenko et al. 2022), which can only make the two easier to tell apart. Rounds add their
// losses, so that the law of a run is a convolution, taken by Fourier transform (Koskela, Jälkö & Honkela 2020). All is a
// bound from above, for δ from 1e-10; fldp_lib/privacy/losses.py has smaller ones, too.
fldp.part(fldp => {
  const TAIL = 1e-13, SIZE = 2 ** 14, KEPT = 64

  const turns = new Map() // cos and sin of the transform's angles, by size
  const circle = size => {
    if (!turns.has(size)) {
      const cos = new Float64Array(size / 2), sin = new Float64Array(size / 2)
      for (let k = 0, angle = 0; k < size / 2; k++, angle = (2 * Math.PI * k) / size)
        cos[k] = Math.cos(angle), sin[k] = Math.sin(angle)
      turns.set(size, [cos, sin])
    }
    return turns.get(size)
  }
  const fourier = (re, im, sign) => { // in place; size: a power of two; sign −1 forward, +1 back, not divided by size
    const size = re.length, [cos, sin] = circle(size)
    for (let i = 1, j = 0; i < size; i++) {
      let bit = size >> 1
      for (; j & bit; bit >>= 1) j ^= bit
      j ^= bit
      if (i < j) {
        const a = re[i], b = im[i]
        re[i] = re[j], im[i] = im[j], re[j] = a, im[j] = b
      }
    }
    for (let half = 1; half < size; half *= 2) {
      const jump = size / 2 / half
      for (let start = 0; start < size; start += 2 * half)
        for (let k = 0, at = 0; k < half; k++, at += jump) {
          const low = start + k, high = low + half, c = cos[at], s = sign * sin[at]
          const a = re[high] * c - im[high] * s, b = re[high] * s + im[high] * c
          re[high] = re[low] - a, im[high] = im[low] - b
          re[low] += a, im[low] += b
        }
    }
  }

  // ln E_P e^(t·loss) of one round: half of P's mass has the loss ε, e^(−ε)/2 has −ε, the density between them is
  // e^((loss−ε)/2)/4.
  const moment = (t, each) => {
    const a = Math.abs(t + 0.5)
    const between = a * each < 1e-9 ? Math.log(each) : a * each + Math.log(-Math.expm1(-2 * a * each) / (2 * a))
    const parts = [t * each - Math.LN2, -(1 + t) * each - Math.LN2, between - each / 2 - Math.LN2]
    const most = Math.max(...parts)
    return most + Math.log(parts.reduce((total, part) => total + Math.exp(part - most), 0))
  }
  const window = (each, rounds) => { // where the run's loss lies but for TAIL at either end (Chernoff's bound)
    const room = -Math.log(TAIL), spread = each * Math.sqrt(rounds)
    let low = -rounds * each, high = rounds * each
    for (const tilt of fldp.numbers.geomspace(1e-3, 1e3, 61)) {
      const t = tilt / spread
      high = Math.min(high, (rounds * moment(t, each) + room) / t)
      low = Math.max(low, -(rounds * moment(-t, each) + room) / t)
    }
    return [low, high]
  }
  const oneRound = (each, cells) => { // masses under P at the losses −ε, −ε + step, …, ε
    const step = each / cells, points = new Float64Array(2 * cells + 1)
    const all = Math.exp(-each / 2) / 2, up = (4 * Math.sinh(step / 4) ** 2) / -Math.expm1(-step)
    for (let k = 0; k < 2 * cells; k++) {
      const weight = all * Math.exp((k - cells) * step / 2)
      points[k + 1] += weight * up
      points[k] += weight * (Math.expm1(step / 2) - up)
    }
    points[2 * cells] += 0.5
    points[0] += Math.exp(-each) / 2
    return points
  }
  const power = (points, rounds, size) => { // the law of the sum, and the index of its first point
    const re = new Float64Array(size), im = new Float64Array(size)
    const middle = Math.round(points.reduce((total, mass, k) => total + mass * k, 0))
    points.forEach((mass, k) => { re[(((k - middle) % size) + size) % size] += mass })
    fourier(re, im, -1)
    for (let k = 0; k < size; k++) {
      const length = Math.hypot(re[k], im[k]) ** rounds, angle = Math.atan2(im[k], re[k]) * rounds
      re[k] = length * Math.cos(angle), im[k] = length * Math.sin(angle)
    }
    fourier(re, im, 1)
    return [re, middle * rounds]
  }

  class Law {
    constructor(each, rounds, size) {
      const [low, high] = window(each, rounds), cells = Math.max(1, Math.floor((each * (size - 4)) / (high - low)))
      const step = each / cells, points = oneRound(each, cells)
      const [sums, centre] = power(points, rounds, size)
      const first = Math.floor(low / step) - 1 // of the window, in steps; the sum's index 0 is the loss −rounds·ε
      const offset = first + rounds * cells - centre
      this.each = each
      this.rounds = rounds
      this.losses = new Float64Array(size)
      this.inside = new Float64Array(size + 1) // P's mass from each point on
      this.outside = new Float64Array(size + 1) // Q's, times e^loss of that point
      for (let k = size - 1; k >= 0; k--) {
        const mass = Math.max(0, sums[(((k + offset) % size) + size) % size]) / size
        this.losses[k] = (first + k) * step
        this.inside[k] = this.inside[k + 1] + mass
        this.outside[k] = this.outside[k + 1] * Math.exp(-step) + mass
      }
      this.slack = 3 * TAIL
    }
    after(epsilon) { // the first point with a larger loss
      let low = 0, high = this.losses.length
      while (low < high) {
        const middle = (low + high) >> 1
        if (this.losses[middle] > epsilon) high = middle
        else low = middle + 1
      }
      return low
    }
    delta(epsilon) {
      const at = this.after(epsilon)
      if (at === this.losses.length) return this.slack
      return Math.min(1, Math.max(0, this.inside[at] - Math.exp(epsilon - this.losses[at]) * this.outside[at]) + this.slack)
    }
    epsilon(delta) {
      const most = this.rounds * this.each
      if (!(delta > this.slack)) return most
      if (this.delta(0) <= delta) return 0
      let low = this.after(0), high = this.losses.length - 1 // δ(ε) is above delta just before low, and kept at high
      while (low < high) {
        const middle = (low + high) >> 1
        if (this.delta(this.losses[middle]) <= delta) high = middle
        else low = middle + 1
      }
      const at = low // between two points δ(ε) is a − b·e^ε
      const found = this.losses[at] + Math.log((this.inside[at] + this.slack - delta) / this.outside[at])
      return Math.min(most, Math.max(0, found))
    }
    power(falseRate) { // the most members found by a test that calls so many of the others members, too
      let low = 0, high = this.losses.length // Neyman and Pearson's threshold
      while (low < high) {
        const middle = (low + high) >> 1
        if (this.outside[middle] * Math.exp(-this.losses[middle]) <= falseRate) high = middle
        else low = middle + 1
      }
      let best = 1
      for (let k = Math.max(low - 2, 0); k < Math.min(low + 2, this.losses.length); k++)
        best = Math.min(best, falseRate * Math.exp(this.losses[k]) + this.delta(this.losses[k]))
      return best
    }
  }

  const laws = new Map()
  const law = (each, rounds, size = SIZE) => {
    if (!rounds || !Number.isFinite(each)) {
      const [delta, epsilon, power] = rounds ? [1, Infinity, 1] : [0, 0, null]
      return { delta: () => delta, epsilon: () => epsilon, power: rate => power ?? rate }
    }
    const key = `${each} ${rounds} ${size}`
    if (!laws.has(key)) {
      if (laws.size >= KEPT) laws.delete(laws.keys().next().value)
      laws.set(key, new Law(each, rounds, size))
    }
    return laws.get(key)
  }
  const epsilon = (each, rounds, delta) => (delta > 0 ? law(each, rounds).epsilon(delta) : rounds * each)
  const delta = (each, rounds, epsilon) => law(each, rounds).delta(epsilon)
  const calibrate = (epsilon_, rounds, delta_) => { // the largest ε of one round with which all of them keep (ε, δ)
    if (!(delta_ > 0) || rounds === 1 && delta_ < 1e-10) return epsilon_ / rounds
    const most = epsilon_ - 2 * Math.log1p(-delta_) // one round alone must keep (ε, δ)
    const over = log => Math.log(Math.max(epsilon(Math.exp(log), rounds, delta_), 1e-9) / epsilon_)
    return Math.exp(fldp.accounting.root(over, Math.log(epsilon_ / rounds), Math.log(most) + 1e-6, 1e-9))
  }

  fldp.accounting = { ...fldp.accounting, laplace: { law, epsilon, delta, calibrate }, fourier }
})
