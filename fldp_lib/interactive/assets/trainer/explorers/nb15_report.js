// Notebook 15: how well clients' own noisy reports are read, by dividing them and by weighing public images.
fldp.part(fldp => {
  const { kit, plots, format: f, reading } = fldp, { range, geomspace, mean } = fldp.numbers
  const { WIDE } = fldp.matrices, { exp } = fldp.numbers
  const { about, imageOf, plain, PIXELS, SEEN, OUT, ALL, LR } = reading
  const PEOPLE = 150, REPORTS = 2 * PEOPLE, DELTA = 1e-5, BLOCKS = Math.ceil(PIXELS / WIDE), BIAS = OUT * PIXELS
  const LEVELS = Array.from(geomspace(0.5, 5000, 9), level => Number(f(level, ".3f")))

  // Noise of deviation 1 of all reports, drawn twice: as the notebook draws it, in rows of which the last ten are not used.
  const draws = fldp.kept(1, () => range(2).flatMap(seed => {
    const all = Float32Array.from(fldp.torch(seed).normal((PEOPLE + 10) * ALL))
    return range(PEOPLE).map(k => all.subarray(k * ALL, (k + 1) * ALL))
  }))

  // Before the clip: each client's update by each public image's (150 × 360), the noise by these (300 × 360). An update is a
  // lack by an image; of two lacks the product is 0.9 for one digit and −0.1 for two, and a noise meets all digits' mean
  // less its own digit's part.
  const products = fldp.kept(2, ({ train, test }) => {
    const clients = about(train), known = about(test), n = known.n
    const updates = new Float64Array(PEOPLE * n), noise = new Float64Array(REPORTS * n)
    for (let i = 0; i < PEOPLE; i++) {
      for (let j = 0; j < n; j++) {
        let total = 0
        for (let p = 0; p < SEEN; p++) total += clients.images[i * SEEN + p] * known.images[j * SEEN + p]
        updates[i * n + j] = LR * LR * total * ((clients.y[i] === known.y[j]) - 0.1)
      }
    }
    const parts = new Float64Array(OUT * SEEN)
    draws().forEach((drawn, report) => {
      for (let p = 0; p < SEEN; p++) {
        let total = 0
        for (let o = 0; o < OUT; o++) {
          total += parts[o * SEEN + p] = drawn[p < PIXELS ? o * PIXELS + p : BIAS + o]
        }
        for (let o = 0; o < OUT; o++) parts[o * SEEN + p] -= total / OUT
      }
      for (let j = 0; j < n; j++) {
        let total = 0
        for (let p = 0, at = known.y[j] * SEEN; p < SEEN; p++) total += parts[at + p] * known.images[j * SEEN + p]
        noise[report * n + j] = LR * total
      }
    })
    const room = fldp.matrices.room({ weights: REPORTS * n, images: BLOCKS * n * WIDE, guess: BLOCKS * REPORTS * WIDE })
    for (let j = 0; j < n; j++) { // the public images in blocks of twelve pixels
      imageOf(test, j).forEach((value, p) => { room.images[(Math.floor(p / WIDE) * n + j) * WIDE + (p % WIDE)] = value })
    }
    return { n, updates, noise, room }
  })

  // Each report's error a pixel, divided (300 numbers) and weighed, at an ε and a clip.
  const readings = fldp.kept(512, (data, epsilon, clip) => {
    const { n, updates, noise, room } = products(data), clients = about(data.train), known = about(data.test)
    const std = 2 * kit.calibrated(epsilon, 1, DELTA).multiplier * clip, shareOf = long => Math.min(1, clip / long)
    const shares = known.long.map(shareOf), sums = new Float64Array(REPORTS), { weights, guess } = room
    const scaled = shares.map(share => share / std), halves = scaled.map((share, j) => (share * known.long[j]) ** 2 / 2)
    const divided = new Float64Array(REPORTS), weighed = new Float64Array(REPORTS), logs = new Float64Array(n)
    draws().forEach((drawn, report) => {
      const client = report % PEOPLE, share = shareOf(clients.long[client]), moved = share / std, own = client * SEEN
      let most = -Infinity, total = 0, unit = 0, bias = 0
      for (let j = 0, at = report * n, from = client * n; j < n; j++) {
        const log = (logs[j] = scaled[j] * (moved * updates[from + j] + noise[at + j]) - halves[j])
        if (log > most) most = log
      }
      for (let j = 0, at = report * n; j < n; j++) total += weights[at + j] = exp(logs[j] - most)
      sums[report] = total
      const sent = clients.sent.subarray(client * ALL, (client + 1) * ALL)
      for (let o = 0; o < OUT; o++) {
        const found = share * sent[BIAS + o] + std * drawn[BIAS + o]
        if (Math.abs(found) > Math.abs(bias)) unit = o, bias = found
      }
      for (let p = 0, at = unit * PIXELS; p < PIXELS; p++, at++) {
        const found = (share * sent[at] + std * drawn[at]) / bias
        divided[report] += Math.abs(Math.min(1, Math.max(0, found)) - clients.images[own + p]) / PIXELS
      }
    })
    for (let block = 0; block < BLOCKS; block++) {
      const first = block * WIDE, last = Math.min(PIXELS, first + WIDE), images = room.images.byteOffset + 4 * first * n
      room.product(guess.byteOffset, weights.byteOffset, images, REPORTS, n, 4 * n)
      for (let report = 0; report < REPORTS; report++) {
        const own = (report % PEOPLE) * SEEN, at = report * WIDE - first
        for (let p = first; p < last; p++) {
          weighed[report] += Math.abs(guess[at + p] / sums[report] - clients.images[own + p]) / PIXELS
        }
      }
    }
    return [divided, weighed]
  })
  // The mean of both over so many clients and the draws.
  const read = (data, epsilon, clip, people) => readings(data, epsilon, clip).map(errors =>
    mean([...errors.subarray(0, people), ...errors.subarray(PEOPLE, PEOPLE + people)]))

  fldp.explorers["nb15.report"] = {
    compute({ epsilon, clip, clients }, data) {
      const levels = LEVELS.map(level => read(data, level, clip, clients)), each = range(clients)
      const { average } = about(data.test), { long } = about(data.train)
      return {
        epsilon, clip, clients, curves: [0, 1].map(k => levels.map(level => level[k])),
        here: read(data, epsilon, clip, clients), priced: kit.calibrated(epsilon, 1, DELTA),
        average: mean(each.map(k => reading.error(average, imageOf(data.train, k)))),
        shortened: each.filter(k => long[k] > clip).length / clients,
      }
    },
    marks: r => [
      plots.line([0.5, 5000], [r.average, r.average], { style: 5, label: "the average digit" }),
      ...[[0, "divided"], [6, "weighed"]].flatMap(([style, label], k) => [
        plots.line(LEVELS, r.curves[k], { style, label, width: 2.2 }),
        plots.dots([r.epsilon], [r.here[k]], { style, size: 5 }),
      ]),
    ],
    say: r => `ε = ${plain(r.epsilon)} in one round, each client's own report, clip ${f(r.clip, ".3g")}, which shortens ` +
      `${f(100 * r.shortened, ".0f")} of 100 updates. Mean error a pixel over ${r.clients} clients: weighed ` +
      `${f(r.here[1], ".3f")}, divided ${f(r.here[0], ".3f")}, the average digit ${f(r.average, ".3f")}.`,
    attacker: r => r.priced.attacker(),
  }
})
