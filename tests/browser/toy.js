// The counterpart of the toy in test_live_page.py.
fldp.part(fldp => {
  const { line, dots, bars } = fldp.plots, f = fldp.format, { range, linspace } = fldp.numbers
  fldp.explorers["nb99.toy"] = {
    compute({ height, price, round, shape, pace }, data) {
      if (pace === "slow") for (const end = Date.now() + 700; Date.now() < end;);
      if (shape === "broken") throw new RangeError("no such shape")
      return { x: linspace(0, 1, 21), y: range(21).map(k => height * (k / 20) ** (shape === "square" ? 2 : 1)), price, round, data }
    },
    marks({ x, y, price, round, data }) {
      return [
        line(x, y, { style: "private", label: "private" }),
        dots([...data.points], [...data.points], { style: 1, label: "points" }),
        bars([round], [price], { style: "article", panel: 1 }),
      ]
    },
    say({ y, price, round }) {
      return `After round ${round} private reaches ${f(y.at(-1), ".3g")} at a price of ${f(price, ".3g")}.`
    },
    attacker: ({ round }) => ({ people: 50 + round, bound: 0.5 + round / 40 }),
  }
})
