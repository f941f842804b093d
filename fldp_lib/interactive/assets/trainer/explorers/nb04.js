// Notebook 04: noise as clouds, sensitivity, the scale it asks for, and what δ and many numbers cost.
fldp.part(fldp => {
  const { line, dots, people, text } = fldp.plots, f = fldp.format
  const { linspace, geomspace, sum, mean } = fldp.numbers
  const { laplace, clouds, outside } = fldp.guesses
  const LOW = 6, HIGH = 30, EDGES = [264.5, 304.5]

  fldp.explorers["nb04.registers"] = {
    compute({ epsilon, seen }, data) {
      const noise = data.noise.map(z => z / epsilon), ratio = x => Math.exp(epsilon * (Math.abs(x - 284) - Math.abs(x - 285)))
      return { epsilon, seen, noise, ratio, outside: outside([285, 284], noise, EDGES) }
    },
    marks(r, data) {
      const x = [EDGES[0], 284, 285, EDGES[1]], bound = (sign, words) =>
        line(EDGES, [0, 0].map(() => Math.exp(sign * r.epsilon)), { style: "bound", label: words, panel: 1, width: 1.4 })
      return [
        ...clouds([285, 284], r.noise, data.heights, EDGES),
        text(265, 2.02, "in: 285 benign", { style: "private" }), text(265, 0.98, "out: 284", { style: 5 }),
        line([r.seen, r.seen], [0, 2.2], { width: 1.2 }), line(x, x.map(r.ratio), { style: "private", panel: 1 }),
        bound(1, "e^ε"), bound(-1, "e^−ε"), dots([r.seen], [r.ratio(r.seen)], { panel: 1, size: 4 }),
      ]
    },
    say(r) {
      const ratio = r.ratio(r.seen)
      const likely = ratio < 1 ? `${f(1 / ratio, ",.2f")} times as likely with the patient out`
        : `${f(ratio, ",.2f")} times as likely with the patient in`
      return `ε = ${f(r.epsilon, ".3g")}, Laplace noise of scale ${f(1 / r.epsilon, ".3g")}: the published number ${r.seen} is ` +
        `${likely}, and no number at all is more than e^ε = ${f(Math.exp(r.epsilon), ",.2f")} times as likely. ` +
        `${r.outside || "None"} of 300 dots lie beyond the edges.`
    },
    attacker: r => laplace(r.epsilon),
  }

  // A query, and its sensitivity under replace-one and under add-or-remove; n is the number of patients.
  const QUERIES = {
    count: { ask: x => [x.filter(v => v > 14).length], replace: () => 1, add: () => 1, name: "count above 14" },
    sum: { ask: x => [sum(x)], replace: () => HIGH - LOW, add: () => HIGH, name: "sum of radii" },
    mean: { ask: x => [mean(x)], replace: n => (HIGH - LOW) / n, add: () => (HIGH - LOW) / 2, name: "mean radius" },
    histogram: {
      ask(x) {
        const bins = new Array(8).fill(0)
        x.forEach(v => bins[Math.min(7, Math.floor((v - LOW) / 3))]++)
        return bins
      },
      replace: () => 2, add: () => 1, name: "histogram, 8 bins",
    },
  }
  const moves = (query, relation, x, values) => {
    const { ask } = QUERIES[query], here = ask(x), kept = Array.from(relation === "replace" ? x.subarray(1) : x)
    return Float64Array.from(values, v => sum(ask([v, ...kept]).map((number, k) => Math.abs(number - here[k]))))
  }
  fldp.explorers["nb04.sensitivity"] = {
    compute({ query, relation, clients, value }, data) {
      const x = data.radius.subarray(0, clients), grid = linspace(LOW, HIGH, 49), most = QUERIES[query][relation](clients)
      const curve = moves(query, relation, x, grid).map(move => move / most)
      return { query, relation, x, grid, curve, value, move: moves(query, relation, x, [value])[0], most }
    },
    marks(r, data) {
      const replaced = r.relation === "replace", stay = replaced ? r.x.subarray(1) : r.x
      return [
        dots(stay, stay.map((_, k) => 0.15 + 0.6 * data.places[k]), { style: 1, size: 1.7, opacity: 0.6 }),
        people([r.value], [0.9], { style: "private", size: 9 }),
        ...(replaced ? [people([r.x[0]], [0.06], { style: 5, size: 7 })] : []),
        line([LOW, HIGH], [1, 1], { style: "bound", label: "sensitivity", panel: 1, width: 1.6 }),
        line(r.grid, r.curve, { style: "private", label: "this move", panel: 1 }),
        dots([r.value], [r.move / r.most], { style: "private", panel: 1, size: 5 }),
      ]
    },
    say(r) {
      const start = `${r.x.length} patients, ${QUERIES[r.query].name}: `, radius = f(r.value, ".3g"), move = f(r.move, ".3g")
      const told = r.relation === "replace"
        ? `the first has radius ${radius} instead of ${f(r.x[0], ".3g")}, and this move of the answer is ${move}.`
        : `a patient of radius ${radius} joins them, and this move of the answer is ${move}.`
      return `${start}${told} Over all data sets within the bounds the most is the sensitivity, ${f(r.most, ".3g")}.`
    },
  }

  const SHOWN = [-6, 7]
  fldp.explorers["nb04.scales"] = {
    compute({ query, rule, epsilon }, data) {
      const most = QUERIES[query].replace(455), b = (rule === "naive" ? 1 : most) / epsilon, noise = data.noise.map(z => (z * b) / most)
      return { query, epsilon, most, b, noise, outside: outside([1, 0], noise, SHOWN), true: most / b, attacker: laplace(most / b) }
    },
    marks: (r, data) => [
      ...clouds([1, 0], r.noise, data.heights, SHOWN),
      text(-5.8, 2.02, "the one at one bound", { style: "private" }), text(-5.8, 1.02, "the one at the other", { style: 5 }),
    ],
    say(r) {
      const { name } = QUERIES[r.query]
      const words = `${name[0].toUpperCase()}${name.slice(1)} of 455 patients, which one patient moves by up to ` +
        `${f(r.most, ".3g")} (replace-one): Laplace noise of scale ${f(r.b, ".3g")} at a promised ε of ${f(r.epsilon, ".3g")}. ` +
        `The true ε is ${f(r.true, ".3g")}: who has to tell the two registers apart is right for ${r.attacker.people} of 100.`
      return words + (r.outside ? ` ${r.outside} of 300 dots lie beyond the edges.` : "")
    },
    attacker: r => r.attacker,
  }

  const multiplier = fldp.kept(512, (epsilon, delta) => fldp.accounting.gaussian.multiplier(epsilon, 1, delta))
  // The deviation of each number's noise: Laplace at δ = 0, Laplace at the same δ (at most: by zCDP), Gaussian.
  const deviations = (r, d) => {
    const pure = (Math.SQRT2 * d) / r.epsilon, root = Math.sqrt(Math.log(1 / r.delta) + r.epsilon) - Math.sqrt(Math.log(1 / r.delta))
    return [pure, Math.min(pure, Math.sqrt(d) / root), r.sigma * Math.sqrt(d)]
  }
  fldp.explorers["nb04.tails"] = {
    compute({ epsilon, log_delta, numbers }) {
      const delta = 10 ** log_delta
      return { epsilon, delta, numbers, sigma: multiplier(epsilon, delta) }
    },
    marks(r) {
      const y = linspace(-30, 30, 241), d = geomspace(1, 1000, 40), names = ["Laplace, δ = 0", "Laplace, same δ", "Gaussian"]
      const bound = sign => line([-30, 30], [sign * r.epsilon, sign * r.epsilon], { style: "bound", width: 1.4 })
      const curves = Array.from(d, at => deviations(r, at)), here = deviations(r, r.numbers)
      return [
        bound(1), bound(-1),
        line(y, y.map(v => r.epsilon * (Math.abs(v) - Math.abs(v - 1))), { style: "private" }),
        text(-29, 10.5, "Laplace", { style: "private" }),
        line(y, y.map(v => (v - 0.5) / r.sigma ** 2), { style: 1 }), text(-29, 8.5, "Gaussian", { style: 1 }),
        ...["private", 3, 1].flatMap((style, at) => [
          line(d, curves.map(three => three[at]), { style, label: names[at], panel: 1 }),
          dots([r.numbers], [here[at]], { style, panel: 1, size: 4 }),
        ]),
      ]
    },
    say(r) {
      const [pure, same, gauss] = deviations(r, r.numbers).map(fldp.kit.three)
      return `ε = ${f(r.epsilon, ".3g")} for ${fldp.count(r.numbers, "number", "numbers")} at once, each moved by up to 1: deviation ` +
        `${pure} with Laplace, δ = 0; at most ${same} with Laplace, same δ = ${f(r.delta, ".1g")}; ${gauss} with Gaussian. One ` +
        `number's Gaussian log-ratio passes ε beyond ${f(r.epsilon * r.sigma ** 2 + 0.5, ".1f")}, which δ pays for.`
    },
  }
})
