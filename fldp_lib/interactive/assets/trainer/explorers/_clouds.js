// Many runs of logistic regression on two features at once, each with noise of its own: what a cloud is drawn from.
//
// Clients' records lie in one row after another, client by client; a model is two weights and a bias. The steps are those of
// fldp_lib/course/exhibits/_clouds.py, the noise comes with the data: what the notebook draws.
fldp.part(fldp => {
  const { range } = fldp.numbers

  // Deal records out: record k goes to client owner[k] % clients, in the order in which the records come.
  const deal = ({ x, y, owner }, clients) => {
    const sizes = new Int32Array(clients), starts = new Int32Array(clients + 1), own = owner.map(k => k % clients)
    for (const k of own) sizes[k]++
    for (let k = 0; k < clients; k++) starts[k + 1] = starts[k] + sizes[k]
    const next = starts.slice(), dealt = { clients, sizes, starts, x: new Float64Array(x.length),
      y: new Float64Array(y.length) }
    own.forEach((k, record) => {
      const place = next[k]++
      dealt.x[2 * place] = x[2 * record]
      dealt.x[2 * place + 1] = x[2 * record + 1]
      dealt.y[place] = y[record]
    })
    return dealt
  }

  // What a client sends after local steps from (a, b, c), into `out`.
  const update = ({ x, y, starts }, client, a, b, c, { localSteps, lr }, out) => {
    const first = starts[client], last = starts[client + 1], rate = lr / (last - first)
    let u = a, v = b, w = c
    for (let step = 0; step < localSteps; step++) {
      let p = 0, q = 0, r = 0
      for (let k = first; k < last; k++) {
        const across = x[2 * k], up = x[2 * k + 1], lack = 1 / (1 + Math.exp(-(u * across + v * up + w))) - y[k]
        p += lack * across
        q += lack * up
        r += lack
      }
      u -= rate * p
      v -= rate * q
      w -= rate * r
    }
    out[0] = u - a
    out[1] = v - b
    out[2] = w - c
  }

  // Models at the start, zero, and after each round: (rounds + 1) × runs × 3, row by row.
  //   plan: { rounds, lr, localSteps, serverLr = 1, clip = ∞, std = 0 }; noise: unit noise, rounds × 3 × its own runs;
  //   plain: whether a last run goes along without clip and noise.
  const path = (dealt, plan, { runs = 1, noise = null, plain = false } = {}) => {
    const { rounds, clip = Infinity, std = 0, serverLr = 1 } = plan, all = runs + plain, sent = new Float64Array(3)
    const found = new Float64Array((rounds + 1) * all * 3), wide = noise ? noise.shape[2] : 0
    for (let t = 0; t < rounds; t++) {
      for (let run = 0; run < all; run++) {
        const at = (t * all + run) * 3, bare = run === runs, a = found[at], b = found[at + 1], c = found[at + 2]
        const total = [0, 0, 0]
        for (let client = 0; client < dealt.clients; client++) {
          update(dealt, client, a, b, c, plan, sent)
          const length = Math.sqrt(sent[0] * sent[0] + sent[1] * sent[1] + sent[2] * sent[2])
          const share = bare || length <= clip ? 1 : clip / length
          for (let j = 0; j < 3; j++) total[j] += share * sent[j]
        }
        for (let j = 0; j < 3; j++) {
          const drawn = bare || !std ? 0 : std * noise[(t * 3 + j) * wide + run]
          found[at + all * 3 + j] = found[at + j] + (serverLr * (total[j] + drawn)) / dealt.clients
        }
      }
    }
    return Object.assign(found, { runs: all })
  }

  // One model, or several, of such a row of numbers.
  const models = (found, first, count) => range(count).map(k => found.subarray(3 * (first + k), 3 * (first + k) + 3))
  const after = (found, round) => models(found, round * found.runs, found.runs)

  // The share of records that a model calls rightly.
  const accuracy = ([a, b, c], { x, y }) => {
    let right = 0
    for (let k = 0; k < y.length; k++) right += (a * x[2 * k] + b * x[2 * k + 1] + c > 0) === (y[k] > 0)
    return right / y.length
  }

  // Where models are undecided: from edge to edge of the square [−1, 1]², x and y of the ends of those that cross it.
  const chords = thetas => {
    const found = []
    for (const [a, b, c] of thetas) {
      const square = a * a + b * b
      if (!(square > 0 && square < Infinity)) continue
      let low = -Infinity, high = Infinity
      for (const [start, step] of [[(-a * c) / square, -b], [(-b * c) / square, a]]) {
        if (step) {
          const one = (-1 - start) / step, other = (1 - start) / step
          low = Math.max(low, Math.min(one, other))
          high = Math.min(high, Math.max(one, other))
        } else if (Math.abs(start) > 1) high = -Infinity
      }
      if (low < high) found.push([[low, high].map(at => (-a * c) / square - b * at),
        [low, high].map(at => (-b * c) / square + a * at)])
    }
    return found
  }
  const joined = lines => [0, 1].map(axis => [NaN, ...lines.flatMap(ends => [...ends[axis], NaN])]) // one mark, with gaps

  // Records of two features: class 1 as squares, class 0 as triangles.
  const records = ({ x, y }, { panel = 0, size = 2 } = {}) =>
    [1, 0].map(kind => {
      const own = range(y.length).filter(k => y[k] === kind)
      return fldp.plots.dots(own.map(k => x[2 * k]), own.map(k => x[2 * k + 1]),
        { style: 2 - kind, panel, size, opacity: 1 })
    })
  fldp.clouds = { deal, update, path, models, after, accuracy, chords, joined, records }
})
