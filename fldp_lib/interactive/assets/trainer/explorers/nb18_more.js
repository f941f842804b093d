// Notebook 18: what one ε may mean to a client.
fldp.part(fldp => {
  const { line, bars, text } = fldp.plots, { range } = fldp.numbers, f = fldp.format, DELTA = 1e-5
  const short = value => f(value, value < 100 ? ".3g" : ",.0f")

  fldp.explorers["nb18.meaning"] = {
    compute({ epsilon, rounds, images }) {
      const { gaussian, attacker } = fldp.accounting, once = gaussian.mu(epsilon, DELTA)
      const mus = [1, Math.sqrt(rounds), images, images * Math.sqrt(rounds)].map(factor => factor * once)
      const spent = mus.map(mu => gaussian.epsilon(mu, DELTA))
      return { epsilon, rounds, images, spent, can: mus.map((mu, k) => attacker({ mu, delta: DELTA, epsilon: spent[k] })) }
    },
    marks({ can, spent }) {
      const places = range(4), bound = can.map(one => 100 * one.bound)
      return [
        bars(places, can.map(one => 100 * one.evenOdds - 50), { style: "attacker", width: 0.6, base: [50, 50, 50, 50] }),
        ...places.map(k => line([k - 0.3, k + 0.3], [bound[k], bound[k]],
          { style: "bound", label: k === 3 ? "bound" : "", width: 1.6 })),
        ...places.map(k => text(k - 0.22, 46, `ε = ${short(spent[k])}`)),
      ]
    },
    say({ epsilon, rounds, images, spent, can }) {
      const [a, b, c, d] = can.map(one => one.people)
      return `“ε = ${f(epsilon, ".3g")}” in all: an attacker is right about ${a} of 100 clients. In each of ${rounds} `
        + `rounds: ${b}. `
        + `For each of a client's ${images} images: ${c}, which is ε = ${short(spent[2])} for the client at the same `
        + `δ. Both: ${d}.`
    },
  }
})
