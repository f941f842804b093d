// Notebook 17's explorers of a release and of a ledger: the bound that has to be stated, and a budget for many runs.
fldp.part(fldp => {
  const { line, dots } = fldp.plots, { geomspace, mean, range } = fldp.numbers, f = fldp.format
  const LOW = 5, HIGHS = geomspace(8, 100, 60)

  // How far a mean of radii is off, cut off at an upper bound, and the deviation of its Laplace noise.
  const errors = (radii, epsilon, high) => [
    Math.abs(mean(radii.map(radius => Math.min(radius, high))) - mean(radii)),
    (Math.SQRT2 * (high - LOW)) / radii.length / epsilon,
  ]
  fldp.explorers["nb17.bounds"] = {
    compute({ epsilon, high }, { radii }) {
      const curves = Array.from(HIGHS, one => errors(radii, epsilon, one)), [cut, noise] = errors(radii, epsilon, high)
      return { epsilon, high, curves, cut, noise, all: Math.hypot(cut, noise), over: radii.filter(one => one > high).length }
    },
    marks({ curves, high, all }) {
      return [
        line(HIGHS, curves.map(([cut]) => (cut > 0 ? cut : NaN)), { style: 2, label: "cut off" }),
        line(HIGHS, curves.map(([, noise]) => noise), { style: "private", label: "noise" }),
        line(HIGHS, curves.map(both => Math.hypot(...both)), { style: 0, label: "both", width: 1 }),
        dots([high], [all], { style: 0, size: 4 }),
      ]
    },
    say({ epsilon, high, cut, noise, all, over }) {
      return `Upper bound ${f(high, ".3g")}: ${over} of 569 radii are cut off there, which moves the mean by ` +
        `${f(cut, ".2g")}; a record can move it by ${f((high - LOW) / 569, ".2g")}, so the noise for ε = ` +
        `${f(epsilon, ".3g")} has deviation ${f(noise, ".2g")}. Both: ${f(all, ".2g")}.`
    },
  }

  fldp.explorers["nb17.ledger"] = {
    compute({ budget, rounds, sigma }) {
      const runs = range(12, 1)
      const total = runs.map(k => fldp.accounting.gaussian.epsilon(Math.sqrt(rounds * k) / sigma, 1e-5))
      return { budget, rounds, sigma, runs, total, added: runs.map(k => k * total[0]) }
    },
    marks({ budget, runs, total, added }) {
      return [
        line(runs, total, { style: "private", label: "composed" }),
        line(runs, added, { style: 2, label: "added up" }),
        line([1, 12], [budget, budget], { style: "bound", label: "budget" }),
        dots(runs, total, { style: "private", size: 2.5 }),
      ]
    },
    say({ budget, rounds, sigma, total, added }) {
      const [fit, some] = [total, added].map(curve => curve.filter(cost => cost <= budget).length)
      return `Each run has ${rounds} rounds at multiplier ${f(sigma, ".3g")} and costs ${f(total[0], ".3g")} alone. A ` +
        `budget of ${f(budget, ".3g")} grants ${fit}${fit === 12 ? " or more" : ""} of them composed, ${some} if their ε ` +
        `are added up; twelve cost ${f(total[11], ".3g")} and ${f(added[11], ".3g")}.`
    },
  }
})
