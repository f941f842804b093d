// Runs of a linear model on the digits, for clients with several records: what fldp_lib/course/exhibits/_groups.py does.
//
// What a client learns in a round is a sum of its records, each times what the outputs for it lack. So its local steps need
// only the products of its records with one another, its update's length is known without writing it out, and all clients'
// clipped updates add up in one product. Matrices have a row a record or a feature, and a column a class (12, two empty).
fldp.part(fldp => {
  const { kit } = fldp, { WIDE } = fldp.matrices, OUT = 10, FEATURES = 64, SEEN = FEATURES + 1, PARAMETERS = 650
  const four = rows => rows + ((4 - (rows % 4)) % 4)

  // Images dealt out, client by client: image k goes to client owner[k] % clients, in the order in which the images come.
  const deal = fldp.kept(12, ({ train, test }, clients) => {
    const n = train.y.length, m = test.y.length, sizes = new Int32Array(clients), starts = new Int32Array(clients + 1)
    const own = train.owner.map(k => k % clients), places = new Int32Array(clients + 1)
    for (const k of own) sizes[k]++
    sizes.forEach((size, k) => { starts[k + 1] = starts[k] + size, places[k + 1] = places[k] + size * size })
    const room = fldp.matrices.room({
      x: four(n) * SEEN, across: four(SEEN) * n, test: four(m) * SEEN, products: places[clients] + 3 * sizes[0],
      theta: four(SEEN) * WIDE, moved: four(SEEN) * WIDE, z: four(n) * WIDE, lack: four(n) * WIDE, out: four(n) * WIDE,
        guess: four(m) * WIDE,
    })
    const next = starts.slice(), y = new Int32Array(n), share = new Float32Array(n)
    own.forEach((k, image) => {
      const at = next[k]++
      for (let j = 0; j < SEEN; j++) { // the bias sees a 1
        room.x[at * SEEN + j] = room.across[j * n + at] = j < FEATURES ? train.x[image * FEATURES + j] / 16 : 1
      }
      y[at] = train.y[image]
      share[at] = 1 / sizes[k]
    })
    for (let k = 0; k < m * SEEN; k++) {
      room.test[k] = k % SEEN < FEATURES ? test.x[Math.floor(k / SEEN) * FEATURES + (k % SEEN)] / 16 : 1
    }
    for (let k = 0; k < clients; k++) { // of each client's records with one another
      const size = sizes[k], first = starts[k] * SEEN
      for (let a = 0; a < size; a++) {
        for (let b = 0; b <= a; b++) {
          let total = 0
          for (let j = 0; j < SEEN; j++) total += room.x[first + a * SEEN + j] * room.x[first + b * SEEN + j]
          room.products[places[k] + a * size + b] = room.products[places[k] + b * size + a] = total
        }
      }
    }
    return { clients, n, m, sizes, starts, places, y, share, room, truth: test.y }
  })

  // out = what a step along the lacks moves the outputs by. Rows beyond a client's are the next one's, which comes after.
  const seen = ({ clients, sizes, starts, places, room: { product, products, lack, out } }) => {
    for (let k = 0; k < clients; k++) {
      const at = 4 * WIDE * starts[k], size = sizes[k]
      product(out.byteOffset + at, products.byteOffset + 4 * places[k], lack.byteOffset + at, four(size), size, 4 * size)
    }
  }

  // e^x for x ≤ 0, to single precision and faster than Math.exp: a power of two, and a series around its middle. Below
  // e^−60 it is 0: processors take a hundred times as long for the tiniest numbers.
  const HALVES = Float64Array.from({ length: 88 }, (_, k) => 2 ** -k * Math.SQRT1_2)
  const exp = x => {
    if (!(x > -60)) return 0
    const halves = (-x * Math.LOG2E) | 0, y = x + (halves + 0.5) * Math.LN2 // y in ±ln 2/2
    const tail = 1 / 6 + y * (1 / 24 + y * (1 / 120 + y * (1 / 720 + y / 5040)))
    return HALVES[halves] * (1 + y * (1 + y * (1 / 2 + y * tail)))
  }
  fldp.numbers.exp = exp

  // lack = what each record's outputs z lack, with its share of its client.
  const softmax = ({ n, y, share, room: { z, lack } }) => {
    for (let k = 0, at = 0; k < n; k++, at += WIDE) {
      let most = z[at], total = 0
      for (let o = at + 1; o < at + OUT; o++) if (z[o] > most) most = z[o]
      for (let o = at; o < at + OUT; o++) total += lack[o] = exp(z[o] - most)
      for (let o = at, part = share[k] / total; o < at + OUT; o++) lack[o] *= part
      lack[at + y[k]] -= share[k]
    }
  }

  // The same over all local steps, in sum.
  const lacks = (dealt, { lr, localSteps }) => {
    const { n, room } = dealt, { product, x, z, lack, out, theta } = room, all = n * WIDE
    product(z.byteOffset, x.byteOffset, theta.byteOffset, four(n), SEEN, 4 * SEEN)
    softmax(dealt)
    if (localSteps === 1) return
    const sum = lack.slice()
    for (let step = 1; step < localSteps; step++) {
      seen(dealt)
      for (let k = 0; k < all; k++) z[k] -= lr * out[k]
      softmax(dealt)
      for (let k = 0; k < all; k++) sum[k] += lack[k]
    }
    lack.set(sum)
  }

  const score = ({ m, truth, room: { product, test, theta, guess } }) => { // the share whose class has the largest output
    let right = 0
    product(guess.byteOffset, test.byteOffset, theta.byteOffset, four(m), SEEN, 4 * SEEN)
    for (let k = 0, at = 0; k < m; k++, at += WIDE) {
      let best = true
      for (let o = at; o < at + OUT; o++) best &&= guess[at + truth[k]] >= guess[o]
      right += best
    }
    return right / m
  }
  const dot = (a, b) => {
    let total = 0
    for (let k = 0; k < SEEN * WIDE; k++) total += a[k] * b[k]
    return total
  }

  // One run, everybody in each round; L2 clips.
  //   plan: { rounds, lr, localSteps, clip = ∞ }; noise: t → what is added to the sum of updates (650,), or null.
  // Returns by round the accuracy, and of the mean of clipped updates its length, the share that was cut, and, where asked
  // for, the cosine with the mean of the unclipped.
  const train = (dealt, plan, noise = null, compare = false) => {
    const { clients, n, starts, room } = dealt, { rounds, lr, clip = Infinity } = plan,
      { product, lack, out, theta, moved, across } = room
    const found = { accuracy: [], signal: [], cut: [], cosine: [] }
    const mean = () => // −clients/lr times it
      product(moved.byteOffset, across.byteOffset, lack.byteOffset, four(SEEN), n, 4 * n)
    theta.fill(0)
    for (let t = 0; t < rounds; t++) {
      lacks(dealt, plan)
      let cut = 0, bare = null
      if (compare) mean(), bare = moved.slice()
      if (clip < Infinity) {
        seen(dealt)
        for (let k = 0; k < clients; k++) {
          let square = 0
          const first = starts[k] * WIDE, last = starts[k + 1] * WIDE
          for (let at = first; at < last; at++) square += out[at] * lack[at]
          const length = lr * Math.sqrt(Math.max(square, 0))
          if (length <= clip) continue
          cut++
          for (let at = first; at < last; at++) lack[at] *= clip / length
        }
      }
      mean()
      const length = Math.sqrt(dot(moved, moved)), drawn = noise?.(t)
      found.cosine.push(bare ? dot(moved, bare) / Math.max(length * Math.sqrt(dot(bare, bare)), 1e-8) : 1)
      for (let j = 0; j < SEEN; j++) {
        for (let o = 0; o < OUT; o++) {
          const own = drawn ? drawn[j < FEATURES ? o * FEATURES + j : OUT * FEATURES + o] : 0
          theta[j * WIDE + o] += (own - lr * moved[j * WIDE + o]) / clients
        }
      }
      found.accuracy.push(score(dealt))
      found.signal.push((lr * length) / clients)
      found.cut.push(cut / clients)
    }
    return found
  }
  fldp.groups = { deal, train, lacks, softmax, PARAMETERS }
})
