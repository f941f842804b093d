// Notebook 02: two worlds that differ in one patient, the slack δ, rules of an attacker, one ε for two units.
fldp.part(fldp => {
  const { line, band, dots, people, places, text } = fldp.plots, f = fldp.format
  const { linspace, geomspace, range, clip } = fldp.numbers
  const { laplace, gaussian } = fldp.guesses
  const WITH = 170, WITHOUT = 169, MIDDLE = 169.5, DELTA = 1e-5, IN = 2, OUT = 1
  const AXIS = linspace(162, 178, 321), FPR = [0, ...geomspace(1e-4, 0.02, 30), ...linspace(0.025, 1, 196)]
  const multiplier = fldp.kept(512, epsilon => fldp.accounting.gaussian.multiplier(epsilon, 1, DELTA))
  const posterior = (prior, epsilon) => (Math.exp(epsilon) * prior) / (1 - prior + Math.exp(epsilon) * prior)
  const mostHits = (alarms, epsilon, delta = 0) =>
    Math.min(1, Math.exp(epsilon) * alarms + delta, 1 - Math.exp(-epsilon) * (1 - delta - alarms))
  const laplaceHits = (alarms, epsilon) => {
    const e = Math.exp(-epsilon)
    return alarms < e / 2 ? alarms / e : alarms < 0.5 ? 1 - e / (4 * alarms) : 1 - e * (1 - alarms)
  }
  const density = (kind, scale, z) => // of the two-sided geometric noise, whose scale is 1/ε, round z
    kind === "uniform" ? (Math.abs(z) <= 5 * scale ? 1 : 0) / (10 * scale)
    : kind === "gaussian" ? fldp.normal.pdf(z / scale) / scale
    : kind === "geometric" ? Math.tanh(0.5 / scale) * Math.exp(-Math.abs(Math.floor(z + 0.5)) / scale)
    : Math.exp(-Math.abs(z) / scale) / 2 / scale
  const above = (kind, scale, z) => { // the chance that the noise is above z
    if (kind === "gaussian") return fldp.normal.cdf(-z / scale)
    const tail = kind === "geometric" ? Math.exp(-(Math.abs(z) + 0.5) / scale) / (1 + Math.exp(-1 / scale))
      : Math.exp(-Math.abs(z) / scale) / 2
    return z > 0 ? tail : 1 - tail
  }
  const hits = (kind, epsilon, alarms) =>
    kind === "gaussian" ? fldp.normal.cdf(fldp.normal.ppf(alarms) + 1 / multiplier(epsilon))
    : kind === "geometric" ? mostHits(alarms, epsilon) : laplaceHits(alarms, epsilon)
  const smallestDelta = (kind, scale, epsilon) =>
    kind === "uniform" ? 0.1 / scale
    : kind === "gaussian" ? fldp.accounting.gaussian.delta(epsilon, 1 / scale)
    : Math.max(0, 1 - Math.exp((epsilon - 1 / scale) / 2))
  const zeros = values => Array.from(values, () => 0)

  const of100 = (number, digits) => { // between 0 and 100, neither of which is ever reached
    const least = 10 ** -digits
    if (number <= least / 2) return `less than ${f(least, "g")}`
    return number < 100 - least / 2 ? f(number, `.${digits}f`) : `more than ${f(100 - least, "g")}`
  }

  fldp.explorers["nb02.two_worlds"] = {
    compute({ epsilon, published, prior }) {
      const ratio = clip(2 * epsilon * (published - MIDDLE), -epsilon, epsilon), before = prior / 100
      return {
        epsilon, published, prior, ratio, after: posterior(before, ratio),
        ends: [posterior(before, -epsilon), posterior(before, epsilon)],
      }
    },
    marks(r) {
      const y = r.published, drawn = [], place = k => [k % 10, 9 - Math.floor(k / 10)]
      for (const [style, number, words, x] of [[OUT, WITHOUT, "without her", 162.6], [IN, WITH, "with her", 170.6]]) {
        const scaled = AXIS.map(at => Math.exp(-r.epsilon * Math.abs(at - number)))
        drawn.push(band(AXIS, zeros(AXIS), scaled, { style, opacity: 0.22 }), line(AXIS, scaled, { style, width: 2.2 }))
        drawn.push(people(range(4).map(k => x + k * 0.65), [1.32, 1.32, 1.32, 1.32], { style: OUT, size: 5 }))
        drawn.push(style === IN ? people([x + 2.7], [1.32], { style, label: words, size: 5 })
          : dots([x + 1.95], [1.32], { style: OUT, label: words, size: 0.1, opacity: 0 }))
        drawn.push(dots([y], [Math.exp(-r.epsilon * Math.abs(y - number))], { style, size: 4.5 }))
      }
      drawn.push(line([y, y], [0, 1.12], { width: 1.6 }))
      const inside = Number(f(100 * r.after, ".0f"))
      for (const [style, from, to] of [[IN, 0, inside], [OUT, inside, 100]]) {
        const rows = range(to - from, from).map(place)
        drawn.push(people(rows.map(row => row[0]), rows.map(row => row[1]), { style, panel: 1, size: 6 }))
      }
      return drawn
    },
    say(r) {
      const factor = Math.exp(Math.abs(r.ratio)), written = f(factor, factor >= 100 ? ",.0f" : ".3g")
      const likelier = r.ratio >= 0 ? `${written} times as likely with her as without her` : `${written} times as likely without her as with her`
      const [low, high] = r.ends.map(end => of100(100 * end, 1))
      return `ε = ${f(r.epsilon, ".3g")}: ${f(r.published, "g")} is published, ${likelier}. The belief that she is in goes from ` +
        `${f(r.prior, ".0f")} in 100 to ${of100(100 * r.after, 0)}; whatever is published, ε allows ${low} to ${high}.`
    },
    attacker: r => laplace(r.epsilon),
  }

  const KINDS = { uniform: "uniform", laplace: "Laplace", gaussian: "Gaussian" }
  const curves = fldp.kept(64, scale => {
    const along = { // Laplace noise: up to where it needs no slack
      uniform: [0, 5], laplace: Array.from(geomspace(1, 1e-5, 61), part => (1 - part) / scale), gaussian: Array.from(linspace(0, 5, 51)),
    }
    return Object.entries(along).map(([kind, at]) => [kind, at, at.map(epsilon => smallestDelta(kind, scale, epsilon))])
  })
  fldp.explorers["nb02.slack"] = {
    compute: ({ epsilon, kind, scale }) => ({ epsilon, kind, scale, delta: smallestDelta(kind, scale, epsilon) }),
    marks(r) {
      const law = number => AXIS.map(at => density(r.kind, r.scale, at - number)), top = Math.max(...law(WITH))
      const [p, q] = [WITH, WITHOUT].map(number => law(number).map(value => value / top)), cover = q.map(value => Math.exp(r.epsilon) * value)
      const drawn = [
        band(AXIS, p.map((value, k) => Math.min(cover[k], value)), p, { style: "attacker", opacity: 0.6 }),
        line(AXIS, p, { style: IN, width: 2.2 }), line(AXIS, q, { style: OUT }),
        line(AXIS, cover.map(value => (value < 1.35 ? value : NaN)), { style: "bound", width: 1.4 }),
        text(162.3, 1.62, "with her", { style: IN }), text(166.5, 1.62, "without her", { style: OUT }),
        text(162.3, 1.44, "e^ε × without her: covered", { style: "bound" }),
      ]
      for (const [kind, along, curve] of curves(r.scale)) {
        const mine = kind === r.kind
        drawn.push(line(along, curve.map(value => (value >= 1e-6 ? value : NaN)),
          { style: mine ? "attacker" : 5, label: KINDS[kind], panel: 1, width: mine ? 2.4 : 1.4 }))
      }
      return r.delta >= 1e-6 ? [...drawn, dots([r.epsilon], [r.delta], { style: "attacker", panel: 1, size: 5 })] : drawn
    },
    say: r => `With ${KINDS[r.kind]} noise of scale ${f(r.scale, ".3g")}, at ε = ${f(r.epsilon, ".3g")} it takes a slack of δ ` +
      `${r.delta >= 1e-12 ? `= ${f(r.delta, ".3g")}` : r.kind === "laplace" ? "= 0" : "less than 1e-12"}: the shaded share of what is published with her that e^ε times the likelihood ` +
      "without her does not cover.",
  }

  const NAMES = { laplace: "Laplace", gaussian: "Gaussian", geometric: "geometric" }
  fldp.explorers["nb02.rules"] = {
    compute({ epsilon, kind, cut }) {
      const gauss = kind === "gaussian", scale = gauss ? multiplier(epsilon) : 1 / epsilon, delta = gauss ? DELTA : 0
      const [alarms, found] = [WITHOUT, WITH].map(number => above(kind, scale, cut - number))
      return {
        epsilon, kind, cut, scale, delta, alarms, hits: found, right: (1 + found - alarms) / 2,
        best: above(kind, scale, MIDDLE - WITH), bound: (Math.exp(epsilon) + delta) / (1 + Math.exp(epsilon)),
      }
    },
    marks(r) {
      const law = number => AXIS.map(at => density(r.kind, r.scale, at - number)), top = Math.max(...law(WITH))
      const [p, q] = [WITH, WITHOUT].map(number => law(number).map(value => value / top))
      const accused = AXIS.filter(at => r.cut <= at), from = AXIS.length - accused.length, roof = FPR.map(at => mostHits(at, r.epsilon, r.delta))
      return [
        ...[[p, IN], [q, OUT]].map(([c, style]) => band(accused, zeros(accused), c.subarray(from), { style, opacity: 0.3 })),
        line(AXIS, q, { style: OUT, width: 2 }), line(AXIS, p, { style: IN, width: 2 }),
        line([r.cut, r.cut], [0, 1.12], { style: "attacker" }),
        text(162.3, 1.36, "without her", { style: OUT }), text(172.4, 1.36, "with her", { style: IN }),
        text(162.3, 1.2, "says “out”", { style: "attacker" }), text(172.4, 1.2, "says “in” →", { style: "attacker" }),
        band(FPR, FPR, roof, { style: "bound", panel: 1, opacity: 0.12 }), line(FPR, roof, { style: "bound", panel: 1 }),
        line(FPR, FPR.map(at => hits(r.kind, r.epsilon, at)), { style: "attacker", panel: 1, width: 2.4 }),
        dots([r.alarms], [r.hits], { style: "attacker", panel: 1, size: 5 }),
        text(0.42, 0.16, "allowed by (ε, δ)", { style: "bound", panel: 1 }),
        text(0.42, 0.05, "with this noise", { style: "attacker", panel: 1 }),
      ]
    },
    say(r) {
      const [found, alarms, right, best, bound] = [r.hits, r.alarms, r.right, r.best, r.bound].map(share => f(100 * share, ".1f"))
      return `${NAMES[r.kind]} noise, ε = ${f(r.epsilon, ".3g")}${r.delta ? " at δ = 1e-5" : ""}: “in” above ${f(r.cut, "g")} finds ` +
        `${found} of 100 who are in and accuses ${alarms} of 100 who are out; at even odds right ${right} times in 100. The best ` +
        `rule with this noise: ${best}; any mechanism with this ε: at most ${bound}.`
    },
    attacker: r => (r.kind === "laplace" ? laplace(r.epsilon) : r.kind === "gaussian" ? gaussian(r.scale) : null),
  }

  const GROUPS = [...new Set(Array.from(geomspace(1, 228, 120), Math.round))]
  const right = (r, size) => 100 * (1 - Math.exp(-size / r.scale / 2) / 2)
  fldp.explorers["nb02.promises"] = {
    compute({ epsilon, unit, clients }) {
      const cap = Math.ceil(455 / clients)
      return { epsilon, unit, clients, cap, scale: (unit === "hospital" ? cap : 1) / epsilon }
    },
    marks(r) {
      const most = 100 * laplace(r.epsilon).bound, one = right(r, 1), all = right(r, r.cap), axis = linspace(-250, 590, 421)
      const law = axis.map(at => density("laplace", r.scale, at - WITH)), top = Math.max(...law), curve = law.map(value => value / top)
      return [
        line(GROUPS, GROUPS.map(size => right(r, size)), { style: "attacker", width: 2.2 }),
        line([1, 228], [most, most], { style: "bound", label: "ε allows", width: 1.4 }),
        people([1], [one], { style: "attacker", size: 7 }), places([r.cap], [all], { style: "attacker", size: 7 }),
        text(1.15, one - 7, "a patient", { style: "attacker" }), text(r.cap * 0.8, all - 9, "a hospital", { style: "attacker" }),
        line([WITH, WITH], [0, 1.05], { style: "no privacy", label: "true: 170", panel: 1 }),
        band(axis, zeros(axis), curve, { style: "private", panel: 1, opacity: 0.3 }), line(axis, curve, { style: "private", panel: 1 }),
      ]
    },
    say(r) {
      const [one, all, most] = [right(r, 1), right(r, r.cap), 100 * laplace(r.epsilon).bound].map(value => f(value, ".1f"))
      return `ε = ${f(r.epsilon, ".3g")} for ${r.unit === "patient" ? "a patient" : "a hospital"}; ` +
        `${fldp.count(r.clients, "hospital", "hospitals")} of at most ${fldp.count(r.cap, "patient", "patients")}, noise of scale ` +
        `${fldp.kit.three(r.scale)}. A guess at even odds is right ${one} times in 100 about a patient, ${all} times about a hospital whose ` +
        `patients are all malignant; ε allows ${most} for its own unit. One count in ten is off by more than ` +
        `${fldp.kit.three(r.scale * Math.log(10))}.`
    },
  }
})
