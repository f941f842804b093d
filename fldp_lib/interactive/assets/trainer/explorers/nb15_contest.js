// Notebook 15: clients that attack, and aggregators against them.
//
// A client's update is a row of 65 × 12 numbers: for every pixel and the bias ten digits' weights, and two that stay 0.
fldp.part(fldp => {
  const { groups, plots, format: f } = fldp, { range } = fldp.numbers, { WIDE } = fldp.matrices
  const OUT = 10, SEEN = 65, PIXELS = 64, ROW = SEEN * WIDE, ROUNDS = 10, PLAN = { lr: 0.5, localSteps: 5 }
  const CORNERS = [0, 7, 56, 63], FEWEST = 20, SECOND = 128, four = rows => rows + ((4 - (rows % 4)) % 4)
  const whole = value => Number(f(value, ".0f")) // halves go to the even number, as in Python

  // Whose each image is, and whether it is the first, third, … of its client.
  const dealt = ({ train, owners }, how, clients) => {
    const n = train.y.length, first = (clients - FEWEST) * n, seen = new Uint8Array(clients)
    if (how !== "iid") {
      const own = owners.subarray(first, first + n)
      return { owner: Int32Array.from(own, k => k % SECOND), second: Array.from(own, k => k >= SECOND) }
    }
    const owner = train.owner.map(k => k % clients)
    return { owner, second: Array.from(owner, k => (seen[k] = 1 - seen[k]) === 1) }
  }
  const clean = fldp.kept(6, (data, clients, how) => {
    const { x, y } = data.train
    return groups.deal({ train: { x, y, owner: dealt(data, how, clients).owner }, test: data.test }, clients)
  })
  // The clients' data, those of the first so many with labels turned round, or a trigger in every second image.
  const poisoned = fldp.kept(12, (data, kind, bad, clients, how) => {
    const fed = clean(data, clients, how)
    if (!kind || !bad) return fed
    if (kind === "flip") return { ...fed, y: fed.y.map((digit, k) => (k < fed.starts[bad] ? OUT - 1 - digit : digit)) }
    const { owner, second } = dealt(data, how, clients), x = data.train.x.slice(), y = data.train.y.slice()
    for (let k = 0; k < y.length; k++) {
      if (owner[k] >= bad || !second[k]) continue
      for (const pixel of CORNERS) x[k * PIXELS + pixel] = 16
      y[k] = 0
    }
    return groups.deal({ train: { x, y, owner }, test: data.test }, clients)
  })

  // What each client sends from the model in room.theta.
  const updates = ({ clients, n, sizes, starts, room }) => {
    const { product, across, lack, moved } = room, all = new Float32Array(clients * ROW)
    return range(clients).map(client => {
      const at = starts[client], row = all.subarray(client * ROW, (client + 1) * ROW)
      if (!sizes[client]) return row
      product(moved.byteOffset, across.byteOffset + 4 * at, lack.byteOffset + 4 * WIDE * at, four(SEEN), sizes[client],
        4 * n)
      for (let j = 0; j < ROW; j++) row[j] = -PLAN.lr * moved[j]
      return row
    })
  }
  const meanOf = rows => {
    const found = new Float64Array(ROW)
    for (const row of rows) for (let j = 0; j < ROW; j++) found[j] += row[j]
    for (let j = 0; j < ROW; j++) found[j] /= rows.length
    return found
  }
  const times = (row, factor) => {
    const found = new Float32Array(ROW)
    for (let j = 0; j < ROW; j++) found[j] = factor * row[j]
    return found
  }

  // Data of the attackers, and what they send: of all updates, theirs first, their own rows.
  const ATTACKS = {
    "label flip": ["flip", (rows, bad) => rows.slice(0, bad)],
    "sign flip": [null, (rows, bad) => rows.slice(0, bad).map(row => times(row, -1))],
    scaled: ["flip", (rows, bad) => rows.slice(0, bad).map(row => times(row, 10))],
    backdoor: ["corners", (rows, bad) => rows.slice(0, bad).map(row => times(row, 3))],
    "inner product": [null, (rows, bad) => range(bad).fill(times(meanOf(rows.slice(bad)), -0.5))],
    "a little is enough": [null, (rows, bad) => {
      const honest = rows.slice(bad), mean = meanOf(honest), square = new Float64Array(ROW), count = honest.length
      const needed = Math.floor(rows.length / 2) + 1 - bad // honest ones that must lie farther out for a majority
      const far = Math.max(fldp.normal.ppf(Math.max(0.5, (count - needed) / count)), 0.1)
      for (const row of honest) for (let j = 0; j < ROW; j++) square[j] += (row[j] - mean[j]) ** 2 / count
      return range(bad).fill(Float32Array.from(mean, (value, j) => value - far * Math.sqrt(square[j])))
    }],
  }

  // From each number's values, one a client, in order, the number that is taken.
  const ordered = take => rows => {
    const found = new Float64Array(ROW), column = new Float32Array(rows.length)
    for (let j = 0; j < ROW; j++) {
      if (j % WIDE >= OUT) continue
      for (let k = 0; k < rows.length; k++) column[k] = rows[k][j]
      found[j] = take(column.sort())
    }
    return found
  }
  const krum = rows => { // the mean of the half whose nearest others are near
    const n = rows.length, near = Math.max(1, n - Math.ceil(0.2 * n) - 2), far = rows.map(() => new Float64Array(n))
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < a; b++) {
        let square = 0
        const one = rows[a], other = rows[b]
        for (let j = 0; j < ROW; j++) {
          const apart = one[j] - other[j]
          square += apart * apart
        }
        far[a][b] = far[b][a] = square
      }
    }
    const scores = far.map(row => fldp.numbers.sum(row.sort().subarray(1, near + 1)))
    const best = range(n).sort((a, b) => scores[a] - scores[b]).slice(0, Math.max(1, whole(0.5 * n)))
    return meanOf(best.map(k => rows[k]))
  }
  const AGGREGATORS = {
    mean: meanOf,
    median: ordered(column => (column[(column.length - 1) >> 1] + column[column.length >> 1]) / 2),
    "trimmed mean": ordered(column => {
      const out = Math.floor(0.2 * column.length), last = column.length - out
      let total = 0
      for (let k = out; k < last; k++) total += column[k]
      return total / (last - out)
    }),
    "multi-Krum": krum,
    "norm bound": rows => meanOf(rows.map(row => {
      let square = 0
      for (let j = 0; j < ROW; j++) square += row[j] * row[j]
      return square > 1 ? times(row, 1 / Math.sqrt(square)) : row
    })),
  }

  // The digits that the model in room.theta calls so many images in room.test.
  const called = ({ m, room: { product, test, theta, guess } }) => {
    product(guess.byteOffset, test.byteOffset, theta.byteOffset, four(m), SEEN, 4 * SEEN)
    const found = new Uint8Array(m)
    for (let k = 0, at = 0; k < m; k++, at += WIDE) {
      for (let o = 1; o < OUT; o++) if (guess[at + o] > guess[at + found[k]]) found[k] = o
    }
    return Array.from(found)
  }
  const share = found => (100 * found.filter(Boolean).length) / found.length

  // Accuracy by round in per cent, and the share of stamped images called 0, when so many clients attack.
  const trained = fldp.kept(128, (data, attack, aggregator, bad, clients, how) => {
    const [kind, sends] = ATTACKS[attack], right = []
    const fed = poisoned(data, kind, bad, clients, how), { theta, test } = fed.room
    theta.fill(0)
    for (let t = 0; t < ROUNDS; t++) {
      groups.lacks(fed, PLAN)
      const rows = updates(fed), all = bad ? [...sends(rows, bad), ...rows.slice(bad)] : rows
      AGGREGATORS[aggregator](all).forEach((value, j) => { theta[j] += value })
      right.push(share(called(fed).map((digit, k) => digit === fed.truth[k])))
    }
    const bare = test.slice()
    for (let k = 0; k < fed.m; k++) for (const pixel of CORNERS) test[k * SEEN + pixel] = 1
    const hit = share(called(fed).filter((_, k) => fed.truth[k] !== 0).map(digit => digit === 0))
    test.set(bare)
    return { right, hit }
  })

  fldp.explorers["nb15.contest"] = {
    compute({ attackers, attack, aggregator, clients, split }, data) {
      const bad = whole((attackers / 100) * clients), under = trained(data, attack, aggregator, bad, clients, split)
      const bare = trained(data, "label flip", aggregator, 0, clients, split)
      return { clients, attack, aggregator, split, bad, under: under.right, clean: bare.right, hit: under.hit }
    },
    marks(r) {
      const people = (who, style) => plots.people(who.map(k => k % 10), who.map(k => 9 - Math.floor(k / 10)),
        { style, size: 6 })
      const rounds = range(ROUNDS, 1)
      return [
        people(range(r.clients - r.bad, r.bad), 5), people(range(r.bad), "attacker"),
        plots.line(rounds, r.clean, { style: "no privacy", label: "no attack", panel: 1 }),
        plots.line(rounds, r.under, { style: "attacker", label: "under attack", panel: 1, width: 2.4 }),
        plots.dots([10], [r.hit], { style: 0, label: "stamped called 0", panel: 1, size: 5 }),
      ]
    },
    say(r) {
      const rule = r.aggregator === "multi-Krum" ? r.aggregator : `the ${r.aggregator}`
      const how = r.split === "iid" ? "alike" : "unlike"
      return `${r.bad} of ${r.clients} clients, which are ${how}, attack (${r.attack}); ` +
        `the server takes ${rule}. Of 100 test digits ${f(r.under.at(-1), ".0f")} are read right under attack, ` +
        `${f(r.clean.at(-1), ".0f")} with no attack; of 100 stamped images ${f(r.hit, ".0f")} are called 0.`
    },
  }
})
