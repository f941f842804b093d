// The search's page: a field, and for each page that `ranking` finds where the words stand, and a piece of the text there.
const AROUND = 110, PAGES = 30, SECTIONS = 3 // letters on each side of a find; how much is shown
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

// A piece of a text around what was found there, which is marked.
const excerpt = (section, { patterns, phrases }, folded) => {
  const { heading } = section, repeated = section.words.startsWith(heading)
  const words = repeated ? section.words.slice(heading.length).trim() : section.words
  const lower = folded(words), starts = [], phrase = phrases.find(source => new RegExp(source, "u").test(lower))
  for (const source of patterns)
    for (const found of lower.matchAll(new RegExp(source, "gu"))) if (starts.length < 200) starts.push(found.index)
  if (!starts.length) starts.push(0) // it stands in the heading only
  const whole = phrase ? lower.search(new RegExp(phrase, "u")) : -1
  const around = at => lower.slice(Math.max(0, at - AROUND), at + AROUND)
  const near = at => patterns.filter(source => new RegExp(source, "u").test(around(at))).length
  const at = whole >= 0 ? whole : starts.reduce((best, start) => (near(start) > near(best) ? start : best), starts[0])
  const begin = at > AROUND ? words.indexOf(" ", at - AROUND) + 1 : 0
  const last = at + 2 * AROUND, end = last < words.length ? Math.max(words.lastIndexOf(" ", last), at + 1) : words.length
  const line = make("p", { class: "excerpt" }, begin ? "… " : ""), piece = words.slice(begin, end)
  const parts = whole >= 0 ? [phrase] : patterns
  let shown = 0
  for (const found of folded(piece).matchAll(new RegExp(`(?:${parts.join("|")})[\\p{L}\\p{N}]*`, "gu"))) {
    line.append(piece.slice(shown, found.index), make("mark", {}, piece.slice(found.index, found.index + found[0].length)))
    shown = found.index + found[0].length
  }
  line.append(piece.slice(shown), end < words.length ? " …" : "")
  return line
}

const root = document.documentElement.dataset.content_root ?? "./"
const link = ({ page, anchor }, words) => make("a", { href: `${root}${page}.html${anchor ? `#${anchor}` : ""}` }, words)
const show = asked => {
  const out = document.getElementById("search-results")
  const field = make("input", { type: "search", name: "q", "aria-label": "Search the book", placeholder: "Search the book" })
  field.value = asked
  const form = make("form", { class: "asked", role: "search" }, field, make("button", { type: "submit" }, "Search"))
  out.replaceChildren(make("h1", {}, "Search"), form)
  if (!asked) return field.focus()
  const { find, folded } = ranking(texts), found = find(asked), { pages, other } = found
  const told = Object.entries(other).map(([word, taken]) => `Nothing has “${word}”; this is for “${taken}”. `).join("")
  const some = pages.length > PAGES ? `, the first ${PAGES} here` : ""
  const counted = `${pages.length} page${pages.length === 1 ? "" : "s"}${some}.`
  const many = pages.length ? counted : "No page has this. Try one word, or its beginning."
  const list = make("ul", { class: "search", role: "list" }, ...pages.slice(0, PAGES).map(page => {
    const [first, ...more] = page.sections, here = !first.heading || first.heading === page.title
    const item = make("li", {}, link(first, here ? page.title : `${page.title} › ${first.heading}`))
    item.append(excerpt(first, found, folded))
    const good = more.filter(one => one.heading && one.heading !== page.title && one.score > first.score / 3)
    const rest = good.slice(0, SECTIONS - 1).flatMap((one, k) => [k ? " · " : "also: ", link(one, one.heading)])
    if (rest.length) item.append(make("p", { class: "also" }, ...rest))
    return item
  }))
  out.append(make("p", { class: "search-summary", role: "status" }, told + many), list)
}
Search.performSearch = () => {} // Sphinx's own, which knows no sections, counts nothing and forgives no slip
show((new URLSearchParams(location.search).get("q") ?? "").trim().replace(/\s+/g, " ").slice(0, 200))
