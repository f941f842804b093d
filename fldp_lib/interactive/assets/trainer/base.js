// What every part of the browser trainer stands on: where the parts meet, numbers, words, marks.
//
// The pages are opened from a folder, too, where a browser loads neither modules nor a worker from a file. So each file is an
// ordinary script that hands in a function, `fldp.part(fldp => { … })`; a worker is made of the same functions' sources.
var fldp = globalThis.fldp ?? { explorers: {}, data: {}, sources: [] }

fldp.part = run => {
  fldp.sources.push(String(run))
  run(fldp)
}

fldp.part(fldp => {
  // Numbers, as NumPy has them.
  const linspace = (low, high, n) => Float64Array.from({ length: n }, (_, k) => (n === 1 ? low : low + ((high - low) * k) / (n - 1)))
  const geomspace = (low, high, n) => linspace(Math.log(low), Math.log(high), n).map(Math.exp)
  const range = (n, from = 0) => Array.from({ length: n }, (_, k) => from + k)
  const sum = values => values.reduce((total, value) => total + value, 0)
  const mean = values => sum(values) / values.length
  const quantile = (values, q) => { // linear between the two nearest, NaN left out
    const sorted = Float64Array.from([...values].filter(value => !Number.isNaN(value))).sort()
    if (!sorted.length) return NaN
    const at = q * (sorted.length - 1), low = Math.floor(at), high = Math.ceil(at)
    return sorted[low] + (sorted[high] - sorted[low]) * (at - low)
  }
  const median = values => quantile(values, 0.5)
  const clip = (value, low, high) => Math.min(Math.max(value, low), high)
  fldp.numbers = { linspace, geomspace, range, sum, mean, quantile, median, clip }

  // Words: a number as Python's format() writes it, such as format(0.0123, ".2g").
  const even = (exact, end, rounded) => // ties go to the even digit, as in Python; JavaScript alone takes the larger
    /^50*(e|$)/.test(exact.slice(end).replace(/^\./, "")) && Number(exact.slice(0, end).replace(/\.$/, "").slice(-1)) % 2 === 0
      ? exact.slice(0, end).replace(/\.$/, "") : rounded
  const fixed = (value, digits) => {
    if (Math.abs(value) >= 1e21) return String(BigInt(value)) + (digits ? "." + "0".repeat(digits) : "")
    const exact = value.toFixed(Math.min(100, digits + 40))
    return even(exact, exact.indexOf(".") + 1 + digits, value.toFixed(digits))
  }
  const exponential = (value, digits) => {
    const exact = value.toExponential(Math.min(100, digits + 40)), [, exponent] = exact.split("e")
    const written = even(exact, exact.indexOf(".") + 1 + digits, value.toExponential(digits)).split("e")[0]
    const own = value.toExponential(digits).split("e")[1]
    return `${written}e${(written === value.toExponential(digits).split("e")[0] ? own : exponent).replace(/^([+-])(\d)$/, "$10$2")}`
  }
  const general = (value, digits) => {
    if (value === 0) return Object.is(value, -0) ? "-0" : "0"
    const precision = digits === 0 ? 1 : digits, written = exponential(value, precision - 1)
    const exponent = Number(written.split("e")[1])
    const trimmed = text => (text.includes(".") ? text.replace(/\.?0+$/, "") : text)
    if (exponent < -4 || exponent >= precision) return trimmed(written.split("e")[0]) + "e" + written.split("e")[1]
    return trimmed(fixed(value, precision - 1 - exponent))
  }
  const thousands = text => text.replace(/^(-?)(\d+)/, (_, sign, whole) => sign + whole.replace(/\B(?=(\d{3})+$)/g, ","))
  fldp.format = (value, spec = "") => {
    if (typeof value === "string") return value
    const [, plus, comma, , digits, kind] = /^(\+?)(,?)(\.(\d+))?([fge%d]?)$/.exec(spec) ?? []
    if (kind === undefined) throw new Error(`format must be such as ".2f", ",.3g" or ".0%", got ${spec}`)
    if (Number.isNaN(value)) return "nan"
    if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf"
    const places = digits === undefined ? 6 : Number(digits)
    let text = kind === "f" ? fixed(value, places)
      : kind === "%" ? fixed(value * 100, places) + "%"
      : kind === "e" ? exponential(value, places)
      : kind === "g" || digits !== undefined ? general(value, places)
      : String(value)
    if (comma) text = thousands(text)
    return plus && value >= 0 ? "+" + text : text
  }

  fldp.count = (number, one, many) => `${number} ${number === 1 ? one : many}`

  // A function that keeps its last results, so that a move computes only what it changes. Of its arguments, numbers and texts
  // are told apart by what they are, data by being the same.
  fldp.kept = (most, run) => {
    const known = new Map(), numbers = new WeakMap()
    let objects = 0
    const name = part => {
      if (typeof part !== "object" || part === null) return `${typeof part} ${part}`
      if (!numbers.has(part)) numbers.set(part, ++objects)
      return `data ${numbers.get(part)}`
    }
    return (...given) => {
      const key = given.map(name).join("|"), value = known.has(key) ? known.get(key) : run(...given)
      known.delete(key) // the last one used stands last
      known.set(key, value)
      if (known.size > most) known.delete(known.keys().next().value)
      return value
    }
  }

  // Marks: what is drawn on a panel, as fldp_lib/interactive/marks.py makes them.
  fldp.ROLES = { centralised: 0, "no privacy": 3, private: 4, attacker: 6, bound: 7, article: 8, alone: 9 }
  const mark = (kind, x, y, y2, options, size) => {
    const { style = 0, label = "", panel = 0, opacity = 1, icon = "" } = options
    const role = typeof style === "string" ? fldp.ROLES[style] : style
    if (role === undefined) throw new Error(`style must be a number or one of ${Object.keys(fldp.ROLES)}, got ${style}`)
    return { kind, x: Float64Array.from(x), y: Float64Array.from(y), y2: y2 && Float64Array.from(y2), style: role, label, panel, size, opacity, icon }
  }
  const line = (x, y, options = {}) => mark("line", x, y, null, options, options.width ?? 1.8)
  const band = (x, low, high, options = {}) => mark("band", x, low, high, { opacity: 0.18, ...options }, 0)
  const dots = (x, y, options = {}) => mark("dots", x, y, null, { opacity: 0.9, ...options }, options.size ?? 3)
  const bars = (x, height, options = {}) =>
    mark("bars", x, height, options.base ?? x.map(() => 0), { opacity: 0.9, ...options }, options.width ?? 0.8)
  const text = (x, y, words, options = {}) => mark("text", [x], [y], null, { ...options, label: words }, 1.8)
  const people = (x, y, options = {}) => ({ ...dots(x, y, { opacity: 1, size: 6, ...options }), icon: "person" })
  const places = (x, y, options = {}) => ({ ...dots(x, y, { opacity: 1, size: 8, ...options }), icon: "place" })
  const cloud = (x, draws, options = {}) => { // draws: a list of curves; bands of the inner 90, 70 and 50%, and the median
    const at = q => range(x.length).map(k => quantile(draws.map(draw => draw[k]), q))
    const own = { style: "private", ...options }
    return [[0.05, 0.95], [0.15, 0.85], [0.25, 0.75]]
      .map(([low, high]) => band(x, at(low), at(high), { style: own.style, panel: own.panel, opacity: 0.13 }))
      .concat(line(x, at(0.5), { ...own, width: 2.2 }))
  }
  fldp.plots = { line, band, dots, bars, text, people, places, cloud }

  // Data beside the page: arrays come packed, row by row, and get their shape.
  const KINDS = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u1: Uint8Array }
  fldp.unpack = value => {
    if (Array.isArray(value)) return value.map(fldp.unpack)
    if (value === null || typeof value !== "object") return value
    if (!value.packed) return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, fldp.unpack(part)]))
    const bytes = Uint8Array.from(atob(value.packed), letter => letter.charCodeAt(0))
    return Object.assign(new KINDS[value.kind](bytes.buffer), { shape: value.shape })
  }
})
