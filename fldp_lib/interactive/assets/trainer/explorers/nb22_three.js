// Notebook 22: one promise, and the error of a share by whom people trust; four ways to randomise one's own answer.
fldp.part(fldp => {
  const { line, dots } = fldp.plots, f = fldp.format, { geomspace, clip } = fldp.numbers, { cached } = fldp.guesses
  const DELTA = 1e-6, CROWDS = Array.from(geomspace(1000, 1e7, 9), n => Number(f(n, ".0f"))), KINDS = ["k-RR", "projection"]
  const small = number => (number >= 10 ? f(number, ",.0f") : f(number, ".2g").replace("e-0", "e-"))
  const spread = ([kept, other]) => (other * (1 - other)) / (kept - other) ** 2
  const least = (found, by) => found.reduce((best, one) => (best === null || by(one) < by(best) ? one : best), null)

  const points = (q, t) => (q ** t - 1) / (q - 1)
  const primes = (from, to) => {
    const found = []
    for (let n = Math.max(2, from); n <= to; n++) {
      let k = 2
      while (k * k <= n && n % k) k++
      if (k * k > n) found.push(n)
    }
    return found
  }
  const subset = (epsilon, k, size) => {
    const kept = size / (size + (k - size) * Math.exp(-epsilon))
    return [kept, (kept * (size - 1) + (1 - kept) * size) / (k - 1)]
  }
  const projected = (epsilon, q, t) => {
    const [every, fits, both] = [0, 1, 2].map(lost => points(q, t - lost)), low = Math.exp(-epsilon), total = fits + (every - fits) * low
    return [fits / total, (both + (fits - both) * low) / total]
  }
  const spaces = fldp.kept(512, k => { // primes and dimensions with room for k categories
    const tried = [...primes(2, Math.min(1024, 4 * k)), ...(k <= 2048 ? primes(k - 1, 2 * k).slice(0, 1) : [])]
    return tried.map(q => {
      let t = 2
      while (points(q, t) < k) t++
      return [q, t]
    }).filter(([q, t]) => q ** t <= 2 ** 22 || (q === 2 && t === 2))
  })
  // Each way's chances that a report supports the true category, and that it supports one given other.
  const WAYS = {
    "k-RR": (epsilon, k) => [1 / (1 + (k - 1) * Math.exp(-epsilon)), Math.exp(-epsilon) / (1 + (k - 1) * Math.exp(-epsilon))],
    OUE: epsilon => [0.5, 1 / (1 + Math.exp(epsilon))],
    "subset selection"(epsilon, k) {
      const ideal = Math.floor((k * Math.exp(-epsilon)) / (1 + Math.exp(-epsilon)))
      return least([ideal, ideal + 1].filter(size => size >= 1 && size < k).map(size => subset(epsilon, k, size)), spread)
    },
    projection: (epsilon, k) => least(spaces(k).map(([q, t]) => projected(epsilon, q, t)), spread),
  }
  const deviation = ([kept, other], people, share) =>
    Math.sqrt((share * kept * (1 - kept) + (1 - share) * other * (1 - other)) / people) / (kept - other)

  // ε₀ of a report that may be shuffled: off straight lines between the logarithms in the package's table.
  const localEpsilon = (kind, epsilon, people, k, data) => {
    const read = (axis, from) => {
      if (axis === 3) return data.values[from]
      const marks = data.axes[axis], at = clip(Math.log([k, people, epsilon][axis]), marks[0], marks.at(-1))
      let low = 0
      while (low < marks.length - 2 && marks[low + 1] <= at) low++
      const share = (at - marks[low]) / (marks[low + 1] - marks[low])
      const stride = data.axes[axis + 1]?.length ?? 1
      return (1 - share) * read(axis + 1, (from + low) * stride) + share * read(axis + 1, (from + low + 1) * stride)
    }
    return Math.exp(read(0, KINDS.indexOf(kind) * data.axes[0].length))
  }
  const gauss = fldp.kept(256, epsilon => fldp.accounting.gaussian.multiplier(epsilon, 1, DELTA))
  const error = fldp.kept(8192, (arm, epsilon, people, k, data) => { // in percentage points, and a report's ε
    if (arm === "central") return [(100 * Math.min(Math.sqrt(8) / epsilon, Math.SQRT2 * gauss(epsilon))) / people, Infinity]
    const ways = arm === "local" ? Object.keys(WAYS).map(way => [way, epsilon])
      : KINDS.map(kind => [kind, localEpsilon(kind, epsilon, people, k, data)])
    return least(ways.map(([way, each]) => [100 * deviation(WAYS[way](each, k), people, 1 / k), each]), one => one[0])
  })

  const ARMS = { local: 9, shuffled: 2, central: 0 }
  fldp.explorers["nb22.three"] = {
    compute({ epsilon, clients, listed }, data) {
      const each = (arm, n) => error(arm, epsilon, n, listed, data), arms = Object.keys(ARMS)
      return {
        epsilon, people: clients, listed, curves: Object.fromEntries(arms.map(arm => [arm, CROWDS.map(n => each(arm, n)[0])])),
        here: Object.fromEntries(arms.map(arm => [arm, each(arm, clients)])),
      }
    },
    marks: r => [
      line([CROWDS[0], CROWDS.at(-1)], [100 / r.listed, 100 / r.listed], { style: 5, label: "share itself", width: 1 }),
      ...Object.entries(ARMS).flatMap(([arm, style]) => [
        line(CROWDS, r.curves[arm], { style, label: arm }), dots([r.people], [r.here[arm][0]], { style, size: 5 }),
      ]),
    ],
    say: r => `${f(r.people, ",d")} people, ${f(r.listed, ",d")} names, ε = ${f(r.epsilon, ".3g")} at δ = 1e-6 for all three: a share is ` +
      `off by ${small(r.here.local[0])} percentage points where each phone randomises, by ${small(r.here.shuffled[0])} where a ` +
      `shuffler mixes reports of ε = ${f(r.here.shuffled[1], ".2g")} each, by ${small(r.here.central[0])} where a server is trusted; ` +
      `the mean share is ${small(100 / r.listed)}.`,
  }
})
