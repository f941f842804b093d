// A product of matrices in single precision, four numbers at a time: C (rows × 12) = A (rows × inner) · B (inner × 12).
//
// JavaScript has no instructions on several numbers at once, WebAssembly has. Its one function is put together here, byte by
// byte, so that there is nothing to build; a browser without such instructions takes the same loops in JavaScript.
fldp.part(fldp => {
  const WIDE = 12, BYTES = 4 * WIDE // columns of B and C: ten classes and two that stay 0, three vectors of four
  const leb = value => (value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)])
  const section = (id, bytes) => [id, ...leb(bytes.length), ...bytes]
  const get = name => [0x20, LOCALS.indexOf(name)], set = name => [0x21, LOCALS.indexOf(name)]
  const number = value => [0x41, ...leb(value)] // below 64, where signed and unsigned are one
  const VECTORS = [0, 1, 2], ROWS = [0, 1, 2, 3]
  const SUMS = ROWS.flatMap(row => VECTORS.map(vector => `sum${row}${vector}`))
  const LOCALS = ["c", "a", "b", "rows", "inner", "stride", "left", "q", "p0", "p1", "p2", "p3", "x", "b0", "b1", "b2",
    ...SUMS]
  const plus = [0x6a], times = [0x6c], minus = [0x6b], end = [0x0b], loop = [0x03, 0x40], again = [0x0d, 0]
  const load = vector => [0xfd, 0x00, 2, ...leb(16 * vector)], spread = [0xfd, 0x09, 2, 0] // one number into all four places
  const store = at => [0xfd, 0x0b, 2, ...leb(at)], zero = [0xfd, 0x0c, ...Array(16).fill(0)]
  const add = [0xfd, 0xe4, 0x01], multiply = [0xfd, 0xe6, 0x01]
  const moved = (name, by) => [...get(name), ...by, ...plus, ...set(name)]
  const fewer = (name, by) => [...get(name), ...number(by), ...minus, 0x22, LOCALS.indexOf(name)] // and leaves what is left

  // Four rows at a time: their twelve sums stay in registers while a column of A meets a row of B.
  const body = [
    ...loop,
    ...SUMS.flatMap(sum => [...zero, ...set(sum)]),
    ...get("b"), ...set("q"), ...get("inner"), ...set("left"),
    ...ROWS.flatMap(row => [...get(row ? `p${row - 1}` : "a"), ...(row ? [...get("stride"), ...plus] : []),
      ...set(`p${row}`)]),
    ...loop,
    ...VECTORS.flatMap(vector => [...get("q"), ...load(vector), ...set(`b${vector}`)]),
    ...ROWS.flatMap(row => [
      ...get(`p${row}`), ...spread, ...set("x"),
      ...VECTORS.flatMap(v => [...get(`sum${row}${v}`), ...get("x"), ...get(`b${v}`), ...multiply, ...add,
        ...set(`sum${row}${v}`)]),
      ...moved(`p${row}`, number(4)),
    ]),
    ...moved("q", number(BYTES)), ...fewer("left", 1), ...again, ...end,
    ...ROWS.flatMap(row => VECTORS.flatMap(v => [...get("c"), ...get(`sum${row}${v}`), ...store(BYTES * row + 16 * v)])),
    ...moved("c", [...number(BYTES), ...number(4), ...times]),
    ...moved("a", [...get("stride"), ...number(4), ...times]),
    ...fewer("rows", 4), ...again, ...end,
  ]
  const code = [2, 6, 0x7f, LOCALS.length - 12, 0x7b, ...body, ...end] // beside the six arguments six numbers, then vectors
  const text = word => [word.length, ...[...word].map(letter => letter.charCodeAt(0))]
  const bytes = Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 6, ...Array(6).fill(0x7f), 0]),
    ...section(2, [1, ...text("room"), ...text("memory"), 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text("product"), 0, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ])
  const known = globalThis.WebAssembly?.validate?.(bytes) ? new WebAssembly.Module(bytes) : null

  const plain = numbers => (c, a, b, rows, inner, stride) => { // the same; all places count bytes
    for (let row = 0; row < rows; row++) {
      const to = (c + row * BYTES) / 4, from = (a + row * stride) / 4
      for (let v = 0; v < WIDE; v++) {
        let total = 0
        for (let k = 0; k < inner; k++) total += numbers[from + k] * numbers[b / 4 + k * WIDE + v]
        numbers[to + v] = total
      }
    }
  }

  // Room for matrices of these lengths, by name: each a Float32Array whose `byteOffset` says where it lies, and
  // product(C, A, B, rows, inner, stride), places and stride in bytes, rows a multiple of four, inner at least 1.
  const room = (lengths, simple = false) => {
    const sizes = Object.values(lengths).map(length => 4 * (length + WIDE * 4)),
      total = sizes.reduce((sum, size) => sum + size, 0)
    const pages = Math.ceil(total / 65536), memory = known && !simple ? new WebAssembly.Memory({ initial: pages }) : null
    const buffer = memory?.buffer ?? new ArrayBuffer(65536 * pages), found = {}
    Object.entries(lengths).reduce((at, [name, length], k) => {
      found[name] = new Float32Array(buffer, at, length + WIDE * 4)
      return at + sizes[k]
    }, 0)
    const product = memory
      ? new WebAssembly.Instance(known, { room: { memory } }).exports.product : plain(new Float32Array(buffer))
    return { ...found, product }
  }
  fldp.matrices = { room, WIDE, fast: known !== null }
})
