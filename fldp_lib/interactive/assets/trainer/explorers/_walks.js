// Clients that take many steps on the digits, a linear model: what fldp_lib/course/exhibits/_drifts.py does.
//
// A step moves a client's outputs by the products of its records with one another, so that its parameters are written out
// once a round. Matrices have a row a record or a feature, and a column a class (12, two empty), in single precision.
fldp.part(fldp => {
  const { range } = fldp.numbers, { WIDE } = fldp.matrices, OUT = 10, FEATURES = 64, SEEN = FEATURES + 1
  const { softmax } = fldp.groups, SIZE = SEEN * WIDE, LONG = 130, four = rows => rows + ((4 - (rows % 4)) % 4)

  // Images dealt out: owner[k] has image k. `kinds`: how many digits a client holds, on average over those with any.
  const deal = ({ train, test }, owner, clients) => {
    const n = train.y.length, m = test.y.length, starts = new Int32Array(clients + 1), places = [0]
    for (const own of owner) starts[own + 1]++
    const held = range(clients).map(() => new Set()), sizes = starts.slice(1)
    for (let k = 0; k < clients; k++) {
      starts[k + 1] += starts[k]
      places.push(places[k] + (sizes[k] <= LONG ? sizes[k] ** 2 : 0))
    }
    const room = fldp.matrices.room({
      x: four(n) * SEEN, across: four(SEEN) * n, test: four(m) * SEEN, products: places[clients] + 3 * LONG,
      theta: four(SEEN) * WIDE, moved: four(SEEN) * WIDE, z: four(n) * WIDE, lack: four(n) * WIDE, out: four(n) * WIDE,
      shift: four(n) * WIDE, guess: four(m) * WIDE,
    })
    const seen = (x, row, j) => (j < FEATURES ? x[row * FEATURES + j] / 16 : 1) // the bias sees a 1
    const next = starts.slice(), y = new Int32Array(n), share = new Float64Array(n)
    owner.forEach((own, image) => {
      const at = next[own]++
      for (let j = 0; j < SEEN; j++) room.x[at * SEEN + j] = room.across[j * n + at] = seen(train.x, image, j)
      y[at] = train.y[image]
      share[at] = 1 / sizes[own]
      held[own].add(train.y[image])
    })
    for (let k = 0; k < m * SEEN; k++) room.test[k] = seen(test.x, Math.floor(k / SEEN), k % SEEN)
    for (let k = 0; k < clients; k++) { // of each client's records with one another
      const size = sizes[k], first = starts[k] * SEEN
      for (let a = 0; size <= LONG && a < size; a++) {
        for (let b = 0; b <= a; b++) {
          let total = 0
          for (let j = 0; j < SEEN; j++) total += room.x[first + a * SEEN + j] * room.x[first + b * SEEN + j]
          room.products[places[k] + a * size + b] = room.products[places[k] + b * size + a] = total
        }
      }
    }
    const some = held.filter(kinds => kinds.size)
    return { clients, n, m, sizes, starts, places, y, share, room, truth: test.y,
      kinds: fldp.numbers.mean(some.map(kinds => kinds.size)) }
  }

  // What a client's rows of a matrix give, feature by feature, in `moved`; and what `moved` gives for its records.
  const gathered = ({ n, sizes, starts, room: { product, across, moved } }, matrix, k) =>
    product(moved.byteOffset, across.byteOffset + 4 * starts[k], matrix.byteOffset + 4 * WIDE * starts[k], four(SEEN),
      sizes[k], 4 * n)
  const seenBy = ({ sizes, starts, room: { product, x, moved } }, matrix, k) =>
    product(matrix.byteOffset + 4 * WIDE * starts[k], x.byteOffset + 4 * SEEN * starts[k], moved.byteOffset,
      four(sizes[k]), SEEN, 4 * SEEN)

  const seen = fleet => { // out = what a step along the lacks moves the outputs by; a client's spare rows are the next one's
    const { clients, sizes, starts, places, room: { product, products, lack, out } } = fleet
    for (let k = 0; k < clients; k++) {
      const at = 4 * WIDE * starts[k], size = sizes[k]
      if (size > LONG) gathered(fleet, lack, k), seenBy(fleet, out, k)
      else if (size) {
        product(out.byteOffset + at, products.byteOffset + 4 * places[k], lack.byteOffset + at, four(size), size, 4 * size)
      }
    }
  }

  // Outputs of a model for all records in z; of a list of models, one a client, each client's of its own.
  const outputs = (fleet, from) => {
    const { clients, n, sizes, room: { product, x, theta, moved, z } } = fleet
    if (Array.isArray(from)) {
      for (let k = 0; k < clients; k++) if (sizes[k]) moved.set(from[k]), seenBy(fleet, z, k)
    } else {
      theta.set(from)
      product(z.byteOffset, x.byteOffset, theta.byteOffset, four(n), SEEN, 4 * SEEN)
    }
  }

  // What all records lack over so many steps from θ, or from a θ of each client's own, in `lack`; mu pulls back to where
  // they began, offsets are added to every gradient (a row a client, or null).
  const steps = (fleet, from, count, lr, mu = 0, offsets = null) => {
    const { clients, n, sizes, room: { moved, z, lack, out, shift } } = fleet, all = n * WIDE
    outputs(fleet, from)
    const first = mu ? z.slice(0, all) : null, stay = 1 - lr * mu
    if (offsets) for (let k = 0; k < clients; k++) if (sizes[k]) moved.set(offsets[k]), seenBy(fleet, shift, k)
    softmax(fleet)
    if (count === 1) return
    const sum = lack.slice(0, all)
    for (let step = 1; step < count; step++) {
      seen(fleet)
      if (mu) for (let k = 0; k < all; k++) z[k] = stay * z[k] + lr * (mu * first[k])
      for (let k = 0; k < all; k++) z[k] -= lr * out[k]
      if (offsets) for (let k = 0; k < all; k++) z[k] -= lr * shift[k]
      softmax(fleet)
      for (let k = 0; k < all; k++) sum[k] = stay * sum[k] + lack[k]
    }
    lack.set(sum)
  }
  // How far each client comes (a row of θ's form each); arguments as in `steps`.
  const walks = (fleet, from, count, lr, mu = 0, offsets = null) => {
    const { clients, sizes, room: { moved, lack } } = fleet
    steps(fleet, from, count, lr, mu, offsets)
    return range(clients).map(k => {
      const row = new Float32Array(SIZE)
      if (!sizes[k]) return row
      gathered(fleet, lack, k)
      for (let j = 0; j < SIZE; j++) row[j] = -lr * (moved[j] + (offsets ? count * offsets[k][j] : 0))
      return row
    })
  }
  // The sum of all clients' walks, each shortened to the clip: their lengths are known by the products.
  const clipped = (fleet, from, count, lr, clip) => {
    const { clients, n, starts, room: { product, across, moved, lack, out } } = fleet
    steps(fleet, from, count, lr)
    seen(fleet)
    for (let k = 0; k < clients; k++) {
      const first = starts[k] * WIDE, last = starts[k + 1] * WIDE
      let square = 0
      for (let at = first; at < last; at++) square += out[at] * lack[at]
      const share = clip / (lr * Math.sqrt(Math.max(square, 1e-24)))
      if (share < 1) for (let at = first; at < last; at++) lack[at] *= share
    }
    product(moved.byteOffset, across.byteOffset, lack.byteOffset, four(SEEN), n, 4 * n)
    return Float64Array.from(moved.subarray(0, SIZE), value => -lr * value)
  }
  const best = (outputs, at) => { // the class with the largest output
    let found = 0
    for (let o = 1; o < OUT; o++) if (outputs[at + o] > outputs[at + found]) found = o
    return found
  }
  const accuracy = ({ m, truth, room: { product, test, theta, guess } }, from) => { // share of the test images read right
    let right = 0
    theta.set(from)
    product(guess.byteOffset, test.byteOffset, theta.byteOffset, four(m), SEEN, 4 * SEEN)
    for (let k = 0, at = 0; k < m; k++, at += WIDE) right += best(guess, at) === truth[k]
    return right / m
  }

  // Rounds of all clients from zero, weighed by their records, without privacy.
  //   plan: { rounds, lr, steps, mu, scaffold, momentum }. Returns by round the accuracy, θ before each round and after the
  //   last, and how far clients walked.
  const federate = (fleet, { rounds, lr, steps: count, mu = 0, scaffold = false, momentum = 0 }) => {
    const { clients, n, sizes } = fleet, found = { accuracy: [], thetas: [new Float32Array(SIZE)], walks: [] }
    const long = count * lr, own = range(clients).map(() => new Float32Array(SIZE)), speed = new Float64Array(SIZE)
    let c = new Float32Array(SIZE)
    for (let t = 0; t < rounds; t++) {
      const offsets = scaffold ? own.map(row => row.map((value, j) => c[j] - value)) : null, before = found.thetas[t]
      const moves = walks(fleet, before, count, lr, mu, offsets), update = new Float64Array(SIZE)
      moves.forEach((move, k) => {
        if (!sizes[k]) return
        for (let j = 0, share = sizes[k] / n; j < SIZE; j++) {
          const sent = scaffold ? Math.fround(move[j] + long * c[j]) : move[j]
          if (scaffold) own[k][j] -= sent / long
          update[j] += share * sent
        }
      })
      const after = before.slice(), old = c
      if (scaffold) c = c.map((value, j) => value - update[j] / long)
      for (let j = 0; j < SIZE; j++) {
        speed[j] = momentum * speed[j] + update[j] - (scaffold ? long * old[j] : 0)
        after[j] += speed[j]
      }
      found.thetas.push(after), found.walks.push(moves), found.accuracy.push(accuracy(fleet, after))
    }
    return found
  }
  const own = (fleet, from) => { // share of all clients' records that θ, or a list of one a client, reads right
    const { n, y, room: { z } } = fleet
    let right = 0
    outputs(fleet, from)
    for (let k = 0, at = 0; k < n; k++, at += WIDE) right += best(z, at) === y[k]
    return right / n
  }
  fldp.walks = { deal, walks, clipped, federate, own, SIZE, SEEN, WIDE, OUT }
})
