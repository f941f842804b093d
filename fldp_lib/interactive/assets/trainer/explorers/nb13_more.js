// Notebook 13: where an update's length is, and local steps in place of messages.
fldp.part(fldp => {
  const { groups, plots, format: f, count } = fldp, { range } = fldp.numbers, { WIDE } = fldp.matrices
  const OUT = 10, SEEN = 65, PIXELS = 64, LENGTH = 650, four = rows => rows + ((4 - (rows % 4)) % 4)

  // What the first client makes of the model in room.theta by local steps (650): weights digit by digit, then biases.
  // Rounded where the notebook rounds, to single precision: an update is a difference of two models, and its small numbers
  // are as coarse as these.
  const walked = ({ n, sizes, y, share, room }, { lr, localSteps }) => {
    const { product, x, across, z, lack, theta, moved } = room, size = sizes[0], start = theta.slice()
    for (let step = 0; step < localSteps; step++) {
      product(z.byteOffset, x.byteOffset, theta.byteOffset, four(size), SEEN, 4 * SEEN)
      groups.softmax({ n: size, y, share, room })
      product(moved.byteOffset, across.byteOffset, lack.byteOffset, four(SEEN), size, 4 * n)
      for (let j = 0; j < SEEN * WIDE; j++) theta[j] -= lr * moved[j]
    }
    return Float32Array.from({ length: LENGTH }, (_, place) => {
      const j = place < OUT * PIXELS ? place % PIXELS : PIXELS
      const at = j * WIDE + (j < PIXELS ? Math.floor(place / PIXELS) : place - OUT * PIXELS)
      return theta[at] - start[at]
    })
  }
  const places = range(LENGTH), weight = place => place < OUT * PIXELS // where numbers are drawn, digit by digit
  const X = places.map(k => (weight(k) ? (k % 8) + 10 * (Math.floor(k / PIXELS) % 5) : 3.5 + 10 * ((k - 640) % 5)))
  const Y = places.map(k => -(weight(k) ? Math.floor((k % PIXELS) / 8) + 12 * Math.floor(k / PIXELS / 5)
    : 9.2 + 12 * Math.floor((k - 640) / 5)))

  const updated = fldp.kept(32, (data, clients) => {
    const dealt = groups.deal(data, clients), plan = { lr: 0.5, localSteps: 5 }
    groups.train(dealt, { ...plan, rounds: 5 })
    const one = walked(dealt, plan), sizes = one.map(value => Math.round(Math.abs(value) * 1e6))
    const part = new Float64Array(LENGTH)
    const squares = Float64Array.from(one, value => value * value).sort().reverse()
    squares.forEach((square, k) => { part[k] = (k ? part[k - 1] : 0) + square })
    // pixels that a client's pictures show alike have one size, but for rounding
    const order = places.toSorted((a, b) => sizes[b] - sizes[a])
    return { order, part: part.map(value => value / part[LENGTH - 1]), records: dealt.sizes[0] }
  })
  fldp.explorers["nb13.update"] = {
    compute: ({ numbers, clients }, data) => ({ numbers, clients, ...updated(data, clients) }),
    marks(r) {
      const kept = r.order.slice(0, r.numbers).sort((a, b) => a - b), most = r.part[r.numbers - 1]
      return [
        plots.dots(X, Y, { style: 5, size: 1.2, opacity: 0.6 }),
        plots.dots(kept.map(k => X[k]), kept.map(k => Y[k]), { style: 1, size: 2.6 }),
        plots.line(range(LENGTH, 1), r.part, { style: 0, panel: 1 }),
        plots.line([1, r.numbers, r.numbers], [most, most, 0], { style: 1, panel: 1, width: 1 }),
        plots.dots([r.numbers], [most], { style: 1, panel: 1, size: 5 }),
      ]
    },
    say: r => `The largest ${r.numbers} of 650 carry ${f(r.part[r.numbers - 1], ".0%")} of the squared length of one ` +
      `client's update. There are ${r.clients} clients, and this one has ${count(r.records, "picture", "pictures")}.`,
  }
})
