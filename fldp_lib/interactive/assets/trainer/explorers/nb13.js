// Notebook 13: phones that send only some numbers of an update, with a memory of the others.
fldp.part(fldp => {
  const { groups, plots, format: f, count } = fldp, { range } = fldp.numbers, { WIDE } = fldp.matrices
  const OUT = 10, SEEN = 65, LENGTH = 650, ROOM = SEEN * WIDE, four = rows => rows + ((4 - (rows % 4)) % 4)

  // The k-th largest of an array's magnitudes, by a quicksort that follows one side alone.
  const sizes = new Float32Array(ROOM)
  const edgeOf = (row, k) => {
    for (let j = 0; j < ROOM; j++) sizes[j] = Math.abs(row[j])
    let low = 0, high = ROOM - 1
    while (low < high) {
      const pivot = sizes[(low + high) >> 1]
      let a = low, b = high
      while (a <= b) {
        while (sizes[a] > pivot) a++
        while (sizes[b] < pivot) b--
        if (a <= b) {
          const held = sizes[a]
          sizes[a++] = sizes[b], sizes[b--] = held
        }
      }
      if (k - 1 <= b) high = b
      else if (k - 1 >= a) low = a
      else break
    }
    return sizes[k - 1]
  }

  // Adds what a client sends of `row` to `total`: its k largest numbers; `chosen(place)` says of those as large as the last
  // one which are sent, where not all are. What is sent becomes 0 in the row, what is not stays for the next round.
  const send = (row, k, total, chosen) => {
    const edge = edgeOf(row, k), tied = edge > 0 && row.reduce((sum, value) => sum + (Math.abs(value) >= edge), 0) > k
    for (let o = 0; o < OUT; o++) {
      for (let j = 0, at = o; j < SEEN; j++, at += WIDE) {
        const size = Math.abs(row[at])
        if (size < edge || (tied && size === edge && !chosen(o * SEEN + j))) continue
        total[at] += row[at]
        row[at] = 0
      }
    }
  }

  // The share of the test digits that are called rightly; of equal outputs the first one counts.
  const score = ({ m, truth, room: { product, test, theta, guess } }) => {
    let right = 0
    product(guess.byteOffset, test.byteOffset, theta.byteOffset, four(m), SEEN, 4 * SEEN)
    for (let k = 0, at = 0; k < m; k++, at += WIDE) {
      let best = 0
      for (let o = 1; o < OUT; o++) if (guess[at + o] > guess[at + best]) best = o
      right += best === truth[k]
    }
    return right / m
  }

  // Accuracy at the start and after each round of a run in which each client sends its k largest numbers a round.
  //   first: all clients' gradients at zero (clients × 10 × 65), many of one size; chosen: which of these are sent, as
  //   (k·clients + client)·650 + place. Later on no two are equal, but for what does not count.
  const run = (dealt, { lr, rounds }, k, { first, chosen }) => {
    const { clients, n, starts, sizes: own, room } = dealt, { product, across, lack, moved, theta } = room
    const rows = range(clients).map(() => new Float32Array(ROOM)), found = [], total = new Float32Array(ROOM)
    const which = new Set(chosen)
    theta.fill(0)
    found.push(score(dealt))
    for (let t = 0; t < rounds; t++) {
      groups.lacks(dealt, { lr, localSteps: 1 })
      total.fill(0)
      rows.forEach((row, client) => {
        const at = starts[client]
        if (!t) {
          for (let o = 0; o < OUT; o++) {
            for (let j = 0; j < SEEN; j++) moved[j * WIDE + o] = first[(client * OUT + o) * SEEN + j]
          }
        } else {
          product(moved.byteOffset, across.byteOffset + 4 * at, lack.byteOffset + 4 * WIDE * at, four(SEEN), own[client],
            4 * n)
        }
        for (let j = 0; j < ROOM; j++) row[j] -= lr * moved[j]
        send(row, k, total, place => t > 0 || which.has((k * clients + client) * LENGTH + place))
      })
      for (let j = 0; j < ROOM; j++) theta[j] += total[j] / clients
      found.push(score(dealt))
    }
    return found
  }
  const zeros = ({ m, truth }) => truth.filter(digit => digit === 0).length / m // what θ = 0 calls rightly
  const plain = (dealt, plan) => [zeros(dealt), ...groups.train(dealt, { ...plan, localSteps: 1 }).accuracy]

  // Bytes of a message: values in four each, places as a bitmap or as packed numbers of ten bits.
  const bytesOf = k => (k < LENGTH ? 4 * k + Math.ceil(Math.min(LENGTH, 10 * k) / 8) : 4 * LENGTH)

  const PHONES = 20, PLAN = { lr: 2, rounds: 30 }
  const taught = fldp.kept(64, (data, numbers) => {
    const dealt = groups.deal(data, PHONES)
    return numbers < LENGTH ? run(dealt, PLAN, numbers, data) : plain(dealt, PLAN)
  })
  fldp.explorers["nb13.phones"] = {
    compute: ({ numbers }, data) =>
      ({ numbers, size: bytesOf(numbers), light: taught(data, numbers), heavy: taught(data, LENGTH) }),
    marks(r) {
      const x = range(PHONES).map(k => k - 9.5), base = x.map(() => 1), t = range(PLAN.rounds, 1)
      return [
        ...x.map(a => plots.line([a, 0], [6, 8.2], { style: 5, width: 1 })),
        plots.bars(x, x.map(() => 5), { style: 0, width: 0.7, base, opacity: 0.1 }),
        plots.bars(x, x.map(() => (5 * r.size) / 2600), { style: 1, width: 0.7, base }),
        plots.people(x, x.map(() => 0), { style: 0, size: 7 }), plots.places([0], [8.6], { style: 0, size: 12 }),
        plots.text(1.2, 8.9, "the server", { style: 0 }),
        plots.text(-10.4, 8.9, `${f(r.size, ",")} bytes each`, { style: 1 }),
        ...[[r.heavy, 2600, 0, "all numbers"], [r.light, r.size, 1, ""]].map(([right, size, style, label]) =>
          plots.line(t.map(k => (k * size) / 1000), right.slice(1), { style, label, panel: 1 })),
        plots.dots([(PLAN.rounds * r.size) / 1000], [r.light.at(-1)], { style: 1, panel: 1, size: 5 }),
      ]
    },
    say: r => `Twenty phones send their largest ${count(r.numbers, "number", "numbers")} of 650 a round: ` +
      `${f(r.size, ",")} bytes each, of 2,600. After 30 rounds a phone has sent ${f(0.03 * r.size, ",.1f")} kilobytes, of ` +
      `78, and ${f(r.light.at(-1), ".1%")} of the digits are right, with all numbers ${f(r.heavy.at(-1), ".1%")}.`,
  }
})
