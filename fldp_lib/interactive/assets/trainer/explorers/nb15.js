// Notebook 15: one image in what the server gets, noisy reports read, a sum of masked numbers.
//
// From zero, a client with one image sends −lr·lack ⊗ (image, 1); what its outputs lack is 0.1 for every digit, less 1 for
// its own. So the length of an update and its products with others follow from the images alone.
fldp.part(fldp => {
  const { kit, plots, format: f } = fldp, { range, linspace } = fldp.numbers
  const PIXELS = 64, SEEN = PIXELS + 1, OUT = 10, ALL = 650, LR = 2, DELTA = 1e-5, SHADES = linspace(0, 1, 9)
  const plain = number => f(number, Math.abs(number) >= 100 ? ",.0f" : ".3g")

  // Images beside a 1 (n × 65), what clients with one each would send (n × 650) and how long that is, the mean image.
  const about = fldp.kept(8, ({ x, y }) => {
    const n = y.length, images = new Float64Array(n * SEEN), sent = new Float64Array(n * ALL), long = new Float64Array(n)
    const average = new Float64Array(PIXELS)
    for (let k = 0; k < n; k++) {
      const own = images.subarray(k * SEEN, (k + 1) * SEEN)
      for (let j = 0; j < PIXELS; j++) average[j] += (own[j] = x[k * PIXELS + j] / 16) / n
      own[PIXELS] = 1
      for (let o = 0; o < OUT; o++) {
        const move = -LR * (0.1 - (o === y[k]))
        for (let j = 0; j < PIXELS; j++) sent[k * ALL + o * PIXELS + j] = move * own[j]
        sent[k * ALL + OUT * PIXELS + o] = move
      }
      long[k] = LR * Math.sqrt(0.9 * own.reduce((sum, value) => sum + value * value, 0))
    }
    return { n, images, sent, long, average, y }
  })
  const clipped = fldp.kept(4, (images, clip) => {
    const { n, sent, long } = about(images), rows = sent.slice()
    for (let k = 0; k < n; k++) {
      const share = Math.min(1, clip / long[k])
      if (share < 1) for (let at = k * ALL; at < (k + 1) * ALL; at++) rows[at] *= share
    }
    return rows
  })
  const imageOf = (images, k) => about(images).images.subarray(k * SEEN, k * SEEN + PIXELS)
  const error = (guess, own) => guess.reduce((sum, value, j) => sum + Math.abs(value - own[j]), 0) / PIXELS

  // An update divided: the row of weights whose bias moved most, over that bias.
  const divided = update => {
    let unit = 0
    for (let o = 1; o < OUT; o++) {
      if (Math.abs(update[PIXELS * OUT + o]) > Math.abs(update[PIXELS * OUT + unit])) unit = o
    }
    const bias = update[PIXELS * OUT + unit]
    return range(PIXELS).map(j => (bias ? Math.min(1, Math.max(0, update[unit * PIXELS + j] / bias)) : 0))
  }

  // The public images' mean, weighed by how well each explains an update.
  const known = fldp.kept(4, (images, clip) => {
    const { n } = about(images), rows = clipped(images, clip), mean = new Float64Array(ALL)
    let variance = 0
    for (let k = 0; k < n * ALL; k++) mean[k % ALL] += rows[k] / n
    for (let k = 0; k < n * ALL; k++) variance += (rows[k] - mean[k % ALL]) ** 2 / (n - 1) / ALL
    return { n, rows, mean, variance }
  })
  const weighed = (update, { n, rows }, images, variance) => {
    const logs = range(n).map(k => {
      let square = 0
      for (let j = 0; j < ALL; j++) square += (update[j] - rows[k * ALL + j]) ** 2
      return -square / (2 * variance)
    })
    const most = Math.max(...logs), guess = new Float64Array(PIXELS)
    let total = 0
    for (let k = 0; k < n; k++) {
      const weight = Math.exp(logs[k] - most), own = imageOf(images, k)
      total += weight
      for (let j = 0; j < PIXELS; j++) guess[j] += weight * own[j]
    }
    return guess.map(value => value / total)
  }

  const unit = fldp.kept(16, seed => fldp.torch(seed).normal(ALL)) // noise of deviation 1

  // An image of 8 × 8 as squares in eight degrees of ink.
  const pixels = (image, panel) => {
    const shades = Array.from(image, value => {
      const far = SHADES.map(shade => Math.abs(Math.round(value * 1e6) / 1e6 - shade)) // edges are sixteenths, as images are
      return far.indexOf(Math.min(...far))
    })
    return range(8, 1).flatMap(level => {
      const own = range(PIXELS).filter(j => shades[j] === level), options = { panel, width: 1, opacity: SHADES[level] }
      return own.length ? [plots.bars(own.map(j => j % 8), own.map(() => 1),
        { ...options, base: own.map(j => 7 - Math.floor(j / 8)) })] : []
    })
  }

  const CLIP = 6
  fldp.explorers["nb15.image"] = {
    compute({ epsilon, clients, image }, { train, test }) {
      const priced = kit.calibrated(epsilon, 1, DELTA), std = priced.multiplier * CLIP, first = image - 1
      const rows = clipped(train, CLIP), others = known(test, CLIP), noise = unit(image)
      const total = Float64Array.from(noise, value => std * value)
      for (let k = first; k < first + clients; k++) for (let j = 0; j < ALL; j++) total[j] += rows[k * ALL + j]
      const rest = total.map((value, j) => value - (clients - 1) * others.mean[j])
      const guess = weighed(rest, others, test, std ** 2 + (clients - 1) * others.variance)
      const own = imageOf(train, first), shown = [own, divided(total), guess]
      const errors = [shown[1], guess, about(test).average].map(one => error(one, own))
      return { epsilon, clients, image, shown, errors, priced, std }
    },
    marks: r => r.shown.flatMap((shown, panel) => pixels(shown, panel)),
    say(r) {
      const who = r.clients === 1 ? "one client's update" : `the sum of ${r.clients} clients' updates`
      const [first, second, average] = r.errors.map(value => f(value, ".3f"))
      return `Image ${r.image}, ${who}, ε = ${plain(r.epsilon)} in this one round: noise of deviation ${plain(r.std)} in ` +
        `each of its 650 numbers. Mean error a pixel: divided ${first}, weighed ${second}; who has seen nothing and ` +
        `guesses the average digit ${average}.`
    },
    attacker: r => r.priced.attacker(),
  }

  // Secure aggregation by hand. data.pairs: of each draw, what clients k and l share, above the diagonal (20 × 12 × 12).
  const FIELD = 101, CROWD = 12
  fldp.explorers["nb15.masks"] = {
    compute({ clients, dropped, draw }, { pairs, held }) {
      const shared = (k, l) => pairs[((draw - 1) * CROWD + k) * CROWD + l], each = range(clients), here = clients - dropped
      const values = each.map(k => held[k]), left = fldp.numbers.sum(each.slice(0, here).flatMap(
        k => each.slice(here).map(l => shared(k, l)))) // what the survivors added and nobody takes off
      const sent = each.map(k => {
        const mask = each.reduce((sum, l) => sum + shared(k, l) - shared(l, k), values[k])
        return ((mask % FIELD) + FIELD) % FIELD
      })
      return { clients, gone: dropped, draw, values, sent, here, left }
    },
    marks(r) {
      const x = range(r.clients, 1)
      return [
        plots.bars(x, r.values, { style: 1 }),
        plots.bars(x.slice(0, r.here), r.sent.slice(0, r.here), { style: "attacker", panel: 1 }),
        plots.people(x, x.map(() => -11), { style: 1, size: 6 }),
        ...x.slice(r.here).map(k => plots.text(k, 8, "–", { style: 5, panel: 1 })),
      ]
    },
    say(r) {
      const [seen, true_] = [r.sent, r.values].map(all => fldp.numbers.sum(all.slice(0, r.here)) % FIELD)
      const what = `Draw ${r.draw} of the masks: the server sees ${r.sent.slice(0, r.here).join(", ")} from ${r.here} ` +
        `clients; their sum modulo 101 is ${seen}`
      if (!r.gone) return `${what}, the sum of what the clients hold: every mask has met its opposite.`
      const who = r.gone === 1 ? "1 client that" : `${r.gone} clients that`
      return `${what}, wrong by the masks shared with the ${who} dropped out, ${r.left % FIELD} modulo 101; taken off, ` +
        `${true_} is left, the survivors' sum.`
    },
  }
  fldp.reading = { about, imageOf, error, PIXELS, SEEN, OUT, ALL, LR, plain }
})
