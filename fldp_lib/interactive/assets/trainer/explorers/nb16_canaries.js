// Notebook 16, third part: many canaries in one run, each put in or left out by a coin.
fldp.part(fldp => {
  const { line, dots, bars, text } = fldp.plots, { range, linspace, median } = fldp.numbers
  const f = fldp.format, whole = value => Number(f(value, ".0f")), DELTA = 1e-5, ERROR = 0.05
  const { logGamma, tail } = fldp.bounds, { cdf, ppf } = fldp.normal

  // Scores and coins of so many runs, and each run's scores in their order.
  const tossed = fldp.kept(4, (clients, epsilon, noise, runs) => {
    const std = noise * fldp.kit.calibrated(epsilon, 1, DELTA).multiplier
    const stream = fldp.numpy(clients, whole(1000 * epsilon), whole(100 * noise))
    const coins = range(runs).map(() => Uint8Array.from({ length: clients }, () => stream.uniform() < 0.5))
    return coins.map(row => {
      const scores = Float64Array.from(row, coin => coin + std * stream.normal())
      return { coins: row, scores, sorted: scores.slice().sort() }
    })
  })

  // The largest probability of so many right guesses or more that (ε, δ)-privacy allows (Steinke, Nasr & Jagielski 2023).
  const pValue = (right, guesses, canaries, epsilon) => {
    if (!right) return 1
    const q = 1 / (1 + Math.exp(-epsilon)), odds = Math.exp(-epsilon)
    let v = right - 1, log = logGamma(guesses + 1) - logGamma(v + 1) - logGamma(guesses - v + 1)
    log += v * Math.log(q) + (guesses - v) * Math.log1p(-q)
    let share = 1, below = 0, best = 0 // in units of e^log
    for (let short = 1; v >= 0; short++, v--) {
      below += share
      best = Math.max(best, below / short)
      const less = (v / (guesses - v + 1)) * odds
      share *= less
      if (less < 1 && share < below / short) break // from here on the mean falls
      if (share < 1e200) continue
      share *= 1e-200
      below *= 1e-200
      best *= 1e-200
      log += 200 * Math.LN10
    }
    return Math.min(1, tail(right, guesses, q) + 2 * canaries * DELTA * best * Math.exp(log))
  }
  const first = (length, holds) => { // the first place of a row where what holds from somewhere on does
    let low = 0, high = length
    while (low < high) {
      const middle = (low + high) >> 1
      if (holds(middle)) high = middle
      else low = middle + 1
    }
    return low
  }
  const zoomed = (high, points, zooms, refuted) => { // the largest of a row of numbers that is refuted, in rows within rows
    let low = 0
    for (let zoom = 0; zoom < zooms; zoom++) {
      const grid = linspace(low, high, points), place = first(points, k => !refuted(grid[k]))
      if (!place) return low
      const end = Math.min(place, points - 1)
      ;[low, high] = [grid[end - 1], grid[end]]
    }
    return low
  }
  const byPair = fldp.kept(4096, (right, guesses, canaries) =>
    zoomed(16, 41, 3, epsilon => pValue(right, guesses, canaries, epsilon) <= ERROR))

  // Whether so many right guesses are less probable than the error, if the noise keeps μ: the least masses that a Gaussian's
  // trade-off asks of all lower counts then sum to more than 1 (Mahloujifar, Melis & Chaudhuri 2025).
  const ENOUGH = 1e-12, SURE = 1 + 1e-9
  const impossible = (mu, correct, guesses, canaries) => {
    let right = (ERROR * correct) / canaries, wrong = (ERROR * (guesses - correct)) / canaries
    for (let count = correct - 1; count >= 0; count--) {
      const more = Math.max(cdf(ppf(Math.min(right, 1)) - mu) - wrong, 0)
      wrong += more
      right += (more * count) / (guesses - count)
      if (((right + wrong) * canaries) / guesses > SURE) return true
      if (more < ENOUGH) return false
    }
    return ((right + wrong) * canaries) / guesses > SURE
  }
  const byCurve = fldp.kept(4096, (right, guesses, canaries) =>
    fldp.accounting.gaussian.epsilon(zoomed(64, 65, 6, mu => impossible(mu, right, guesses, canaries)), DELTA))

  const GRID = linspace(0, 8, 81), BINS = 40, EDGES = linspace(-1, 1, BINS + 1)
  fldp.explorers["nb16.canaries"] = {
    compute({ clients, epsilon, noise, guesses }, data) {
      const half = Math.max(1, Math.min(whole((guesses * clients) / 200), Math.floor(clients / 2))), made = 2 * half
      const runs = tossed(clients, epsilon, noise, data.runs)
      const limits = ({ sorted }) => [sorted[half - 1], sorted[clients - half]]
      const right = runs.map(run => {
        const [low, high] = limits(run)
        let found = 0
        for (let k = 0; k < clients; k++) found += run.scores[k] <= low && !run.coins[k]
        for (let k = 0; k < clients; k++) found += run.scores[k] >= high && run.coins[k]
        return found
      })
      const ordered = Int32Array.from(right).sort(), curve = count => byCurve(count, made, clients)
      return {
        clients, epsilon, noise, made, run: runs[0], limits: limits(runs[0]), right: right[0], curve: curve(right[0]),
        middle: (curve(ordered[14]) + curve(ordered[15])) / 2, bounds: right.map(count => byPair(count, made, clients)),
        p: GRID.map(own => pValue(right[0], made, clients, own)),
      }
    },
    marks(r) {
      const { scores, coins, sorted } = r.run, span = Math.max(1, -sorted[0], sorted.at(-1))
      const shares = [new Float64Array(BINS), new Float64Array(BINS)]
      scores.forEach((score, k) => {
        const at = score / span, bin = Math.min(Math.floor(((at + 1) * BINS) / 2), BINS - 1)
        shares[coins[k]][at < EDGES[bin] ? bin - 1 : bin + (bin < BINS - 1 && at >= EDGES[bin + 1])]++
      })
      const top = Math.max(...shares[0], ...shares[1]), middle = range(BINS).map(k => EDGES[k] + 1 / BINS)
      const shown = value => Math.min(value, 8)
      return [
        ...shares.map((row, k) => bars(middle, row.map(v => v / top), { style: k + 1, width: 2 / BINS, opacity: 0.5 })),
        ...r.limits.map(limit => line([limit / span, limit / span], [0, 1.05], { style: 0 })),
        text(-0.98, 1.12, "guessed out", { style: 1 }), text(0.35, 1.12, "guessed in", { style: 2 }),
        line(GRID, r.p, { style: 0, label: "p-value", panel: 1 }),
        line([0, 8], [0.05, 0.05], { style: 0, label: "5%", panel: 1 }),
        line([r.epsilon, r.epsilon], [0, 1], { style: 5, panel: 1 }),
        dots(r.bounds.map(shown), linspace(0.12, 0.5, r.bounds.length), { style: 0, panel: 1, size: 2 }),
        dots([r.curve, r.middle].map(shown), [0.58, 0.66], { style: "attacker", panel: 1, size: 4 }),
        text(8.15, 0.62, "through μ", { style: "attacker", panel: 1 }), text(8.15, 0.3, "by (ε, δ)", { style: 0, panel: 1 }),
      ]
    },
    say(r) {
      const above = r.bounds.filter(bound => bound > r.epsilon).length
      return `${f(r.clients, ",d")} clients as canaries in one run, claimed ε = ${f(r.epsilon, ".3g")} (δ = 1e-5), noise ` +
        `${f(r.noise, "g")} × what that needs: ${r.right} of ${r.made} guesses are right, so ε is at least ` +
        `${f(r.bounds[0], ".2f")} by (ε, δ) and ${f(r.curve, ".2f")} through μ, as the noise is Gaussian (95% ` +
        `confidence). Of 30 such runs ${above} refute the claim by (ε, δ); median bounds ${f(median(r.bounds), ".2f")} ` +
        `and ${f(r.middle, ".2f")}.`
    },
  }
})
