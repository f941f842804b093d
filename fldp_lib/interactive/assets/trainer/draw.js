// Marks as SVG over finished axes, and what stands beside a picture in words: as drawing.py, plots.py and said.py do it.
//
// A layout is a chart as the package has laid it out: its size in points, and of each panel its box (y upwards), its limits and
// how far to the right words may reach. Colours, dashes, shapes and the widths of letters are the package's own: fldp.look.
fldp.part(fldp => {
  const escape = words => words.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;").replace(/'/g, "&#x27;")
  const f1 = value => (Number.isNaN(value) ? "nan" : value.toFixed(1))
  const path = points => points.map(([x, y]) => `${f1(x)},${f1(y)}`).join(" ")
  const near = value => (Number.isNaN(value) ? value : Math.min(Math.max(value, -1e4), 1e4))
  const good = ([x, y]) => !Number.isNaN(x) && !Number.isNaN(y)

  // A value's place on an axis from `from` to `to`; what a logarithm cannot have lies far below, as in matplotlib.
  const axis = ([low, high], log, from, to) => {
    const scale = log ? value => (value <= 0 ? -1000 : Math.log10(value)) : value => value
    const start = scale(low), ratio = (to - from) / (scale(high) - start)
    return value => from + (scale(value) - start) * ratio
  }
  const placed = panel => {
    const x = axis(panel.x, panel.xlog, panel.box[0], panel.box[2]), y = axis(panel.y, panel.ylog, panel.box[1], panel.box[3])
    return { x, y }
  }

  const dot = (marker, x, y, r) => {
    if (marker === "s") return `<rect x="${f1(x - r)}" y="${f1(y - r)}" width="${f1(2 * r)}" height="${f1(2 * r)}"/>`
    const corners = {
      "^": [[-1, 1], [1, 1], [0, -1]], v: [[-1, -1], [1, -1], [0, 1]], D: [[0, -1], [1, 0], [0, 1], [-1, 0]],
    }[marker]
    if (corners) return `<polygon points="${path(corners.map(([a, b]) => [x + r * a, y + r * b]))}"/>`
    const across = fldp.format(2 * r, "g"), back = fldp.format(-2 * r, "g")
    if (marker === "x")
      return `<path d="M${f1(x - r)} ${f1(y - r)}l${across} ${across}m0 ${back}l${back} ${across}" fill="none"/>`
    return `<circle cx="${f1(x)}" cy="${f1(y)}" r="${fldp.format(r, "g")}"/>`
  }

  const svg = (panel, mark, height) => {
    const at = placed(panel), number = mark.style, colour = fldp.look.colours[number], opacity = fldp.format(mark.opacity, "g")
    const row = values => Array.from(mark.x, (x, k) => [near(at.x(x)), near(height - at.y(values[k]))])
    if (mark.kind === "line") {
      const dashes = fldp.look.dashes[number], dash = dashes.length ? ` stroke-dasharray="${dashes.join(" ")}"` : ""
      const runs = [[]]
      for (const point of row(mark.y)) good(point) ? runs.at(-1).push(point) : runs.push([])
      return runs.filter(run => run.length).map(run =>
        `<polyline points="${path(run)}" class="s${number}" fill="none" stroke="${colour}" stroke-width="${mark.size}" `
        + `opacity="${opacity}"${dash}/>`).join("")
    }
    if (mark.kind === "band") {
      const ring = row(mark.y).concat(row(mark.y2).reverse())
      return `<polygon points="${path(ring)}" class="f${number}" fill="${colour}" opacity="${opacity}"/>`
    }
    if (mark.kind === "dots" && mark.icon) {
      const parts = fldp.look.icons[mark.icon]
      const shapes = row(mark.y).filter(good).map(([x, y]) => parts.map(part =>
        `<polygon points="${path(part.map(([a, b]) => [x + mark.size * a, y + mark.size * b]))}"/>`).join("")).join("")
      return `<g class="f${number}" fill="${colour}" opacity="${opacity}">${shapes}</g>`
    }
    if (mark.kind === "dots") {
      const shapes = row(mark.y).filter(good).map(([x, y]) => dot(fldp.look.markers[number], x, y, mark.size)).join("")
      return `<g class="f${number} s${number}" fill="${colour}" stroke="${colour}" opacity="${opacity}">${shapes}</g>`
    }
    if (mark.kind === "bars")
      return Array.from(mark.x, (x, k) => {
        const [a, c] = [x - mark.size / 2, x + mark.size / 2].map(at.x)
        const [b, d] = [mark.y2[k], mark.y2[k] + mark.y[k]].map(at.y)
        return `<rect x="${f1(a)}" y="${f1(height - Math.max(b, d))}" width="${f1(c - a)}" height="${f1(Math.abs(d - b))}" `
          + `class="f${number}" fill="${colour}" opacity="${opacity}"/>`
      }).join("")
    return ""
  }

  // How wide words are, in points: the letters' advances, how close a pair stands, where the first ink begins, the last ends.
  const width = words => {
    const text = Array.from(words), letters = text.map(letter => fldp.look.glyphs[letter] ?? fldp.look.glyphs.m)
    const step = (total, letter, k) => total + letter[0] + (fldp.look.pairs[text[k] + text[k + 1]] ?? 0)
    return letters.length ? letters.slice(0, -1).reduce(step, letters.at(-1)[2] - letters[0][1]) : 0
  }

  // Labels right of a curve's last finite point, texts where they were put; none cut, none over another.
  const labels = (panel, marks, layout) => {
    const [x0, y0, x1, y1] = panel.box, at = placed(panel), line = 1.1 * fldp.look.size, ends = []
    for (const mark of marks) {
      let last = mark.x.length - 1
      while (last >= 0 && !(Number.isFinite(mark.x[last]) && Number.isFinite(mark.y[last]))) last--
      if (!mark.label || last < 0 || mark.kind === "bars") continue
      const free = mark.kind === "text", high = mark.y2 ? (mark.y[last] + mark.y2[last]) / 2 : mark.y[last]
      let x = at.x(mark.x[last]), y = at.y(high), words = mark.label
      if (!free && !mark.y2 && !(y0 - 1 <= y && y <= y1 + 1)) // beyond the axis: say where
        words += ` ${y > y1 ? "↑" : "↓"} ${fldp.format(high, ".3g")}`
      x = free ? x : Math.min(Math.max(x, x0), x1) + 5
      const over = width(words), [low, top] = free ? [8, layout.height - 8] : [y0 + 5, y1 - 5]
      if (x + over > panel.room) { // back over its curve, and so a little above it
        x = Math.max(panel.room - over, 3)
        y = free ? y : y + line * 0.8
      }
      ends.push({ x, y: Math.min(Math.max(y, low), top), words, style: mark.style, right: x + over, top })
    }
    ends.sort((a, b) => a.y - b.y)
    const beside = (a, b) => a.x < b.right + 3 && b.x < a.right + 3
    ends.forEach((above, k) => {
      for (const below of ends.slice(0, k)) if (beside(above, below)) above.y = Math.max(above.y, below.y + line)
    })
    for (let k = ends.length - 1; k >= 0; k--) {
      const over = ends.slice(k + 1).filter(above => beside(above, ends[k])).map(above => above.y - line)
      ends[k].y = Math.min(ends[k].y, ends[k].top, ...over)
    }
    return ends
  }

  const words = ({ x, y, words, style }, height) =>
    `<text class="t${style}" x="${f1(x)}" y="${f1(height - y)}" dy="0.35em" font-size="${fldp.look.size}" `
    + `fill="${fldp.look.colours[style]}" ${fldp.look.halo}>${escape(words)}</text>`

  // The marks as SVG elements that lie over a layout's axes.
  const overlay = (layout, marks) => layout.panels.map((panel, index) => {
    const mine = marks.filter(mark => mark.panel === index), [x0, y0, x1, y1] = panel.box, name = `${layout.id}-clip${index}`
    return `<clipPath id="${name}"><rect x="${f1(x0)}" y="${f1(layout.height - y1)}" width="${f1(x1 - x0)}" `
      + `height="${f1(y1 - y0)}"/></clipPath><g clip-path="url(#${name})">`
      + mine.map(mark => svg(panel, mark, layout.height)).join("") + "</g>"
      + labels(panel, mine, layout).map(end => words(end, layout.height)).join("")
  }).join("")

  // The words as HTML, each of some phrases (phrase → style) in its colour.
  const coloured = (words, styles) => {
    const longest = Object.keys(styles).sort((a, b) => b.length - a.length)
    if (!longest.length) return escape(words)
    const phrases = longest.map(phrase => phrase.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|")
    return words.split(new RegExp(`(?<![\\p{L}\\p{N}_])(${phrases})(?![\\p{L}\\p{N}_])`, "u")).map((part, place) => {
      const style = styles[part]
      return place % 2 ? `<b class="t${style}" style="color:var(--fldp-t${style})">${escape(part)}</b>` : escape(part)
    }).join("")
  }
  const sentence = (said, marks) => coloured(said, Object.fromEntries(
    marks.filter(({ label, kind }) => label && kind !== "text" && label !== "pinned").map(({ label, style }) => [label, style])))

  // A hundred guessers as HTML: whom a coin lets be right, whom what was released, and the bound.
  const PERSON = "m-3 0a3 3 0 1 1 6 0a3 3 0 1 1 -6 0m-2.5 11v-3.5a5.5 5 0 0 1 11 0v3.5z"
  const crowd = ({ people, bound }, unit) => {
    const most = Math.min(100, Math.ceil(100 * bound - 1e-9)), ROW = 20, across = 13, down = 19
    const drawn = fldp.numbers.range(100).map(k => {
      const kind = k < Math.min(50, people) ? "coin" : k < people ? "f6" : "rest"
      return `<path d="M${across * (k % ROW) + 6} ${down * Math.floor(k / ROW) + 6}${PERSON}" class="${kind}"/>`
    }).join("")
    const x = across * (((most - 1) % ROW) + 1) - 0.5, y = down * Math.floor((most - 1) / ROW), more = Math.max(0, people - 50)
    const what = unit.startsWith("which ") ? unit : `whether ${"aeio".includes(unit[0]) ? "an" : "a"} ${unit} took part`
    const said = `100 guess ${what}: 50 right by a coin, ${more} more by all that is released; (ε, δ) alone would allow ${most}.`
    const picture = `<svg viewBox="0 0 ${across * ROW} ${down * 5}" role="img" aria-label="${escape(said)}">`
      + `${drawn}<path class="edge" d="M${x} ${y + 1}v${down - 1}"/></svg>`
    const styles = { [`${more} more`]: 6, [`(ε, δ) alone would allow ${most}`]: 7 }
    return `<div class="fldp-crowd">${picture}<span>${coloured(said, styles)}</span></div>`
  }

  // The marks in the pinned style, and of pinned ones those that have changed since.
  const pinned = marks => marks.filter(mark => mark.kind !== "text").map(mark =>
    ({ ...mark, style: fldp.look.pinned, label: mark.label ? "pinned" : "", opacity: 0.6 * mark.opacity }))
  const same = (a, b) => a.length === b.length && a.every((value, k) => value === b[k])
  const changed = (kept, marks) => kept.filter(one => !marks.some(mark => mark.panel === one.panel && same(mark.y, one.y)))

  // How much a panel's marks change from one picture to the next, as a share of its height.
  const change = (panel, place, drawn) => {
    const [low, high] = [Math.min(...panel.y), Math.max(...panel.y)], scale = panel.ylog ? Math.log : value => value
    const end = value => scale(fldp.numbers.clip(value, low, high)) / (scale(high) - scale(low))
    const own = drawn.map(marks => marks.filter(mark => mark.panel === place))
    return fldp.numbers.sum(own.slice(1).map((after, k) => {
      const before = own[k]
      return Math.abs(before.length - after.length) + fldp.numbers.sum(before.slice(0, after.length).map((a, j) => {
        const b = after[j]
        if (a.kind !== b.kind || a.y.length !== b.y.length) return 1
        const moved = Array.from(a.y, (value, i) => Math.abs(end(value) - end(b.y[i])) || 0)
        return (moved.length ? fldp.numbers.mean(moved) : 0) + (a.kind === "text" && a.label !== b.label ? 1 : 0)
      }))
    }))
  }
  fldp.draw = { overlay, sentence, crowd, pinned, changed, change, width, escape }
})
