// Beside each title that the search finds: a piece of the page's text around what was looked for.
const asked = (new URLSearchParams(location.search).get("q") ?? "").trim().replace(/\s+/g, " ")
const words = asked.toLowerCase().split(" ").filter(word => word.length > 1)
const AROUND = 110 // letters on each side

const places = (text, word) => { // where a word begins in a text
  const found = []
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
    if (!/[\p{L}\p{N}]/u.test(text[at - 1] ?? " ")) found.push(at)
  return found
}

const excerpt = text => {
  const lower = text.toLowerCase(), whole = lower.indexOf(asked.toLowerCase())
  const near = at => words.filter(word => lower.slice(Math.max(0, at - AROUND), at + AROUND).includes(word)).length
  const starts = words.flatMap(word => places(lower, word))
  const at = whole >= 0 ? whole : starts.reduce((best, start) => (best < 0 || near(start) > near(best) ? start : best), -1)
  if (at < 0) return null
  const begin = at > AROUND ? text.indexOf(" ", at - AROUND) + 1 : 0, last = at + asked.length + AROUND
  const end = last < text.length ? Math.max(text.lastIndexOf(" ", last), at + asked.length) : text.length
  const line = document.createElement("p"), piece = text.slice(begin, end)
  line.className = "excerpt"
  line.append(begin ? "… " : "")
  const spelt = (whole >= 0 ? [asked] : words).map(word => word.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"))
  piece.split(new RegExp(`((?<![\\p{L}\\p{N}])(?:${spelt.join("|")}))`, "giu")).forEach((part, k) => {
    if (k % 2) line.appendChild(document.createElement("mark")).textContent = part
    else line.append(part)
  })
  line.append(end < text.length ? " …" : "")
  return line
}

const root = new URL(document.documentElement.dataset.content_root ?? "./", location.href)
const add = () => {
  for (const found of document.querySelectorAll("#search-results ul.search > li:not([data-told])")) {
    found.dataset.told = ""
    const link = found.querySelector("a[href]")
    if (!link) continue
    const name = decodeURIComponent(link.href.split(/[?#]/)[0].slice(root.href.length)).replace(/\.html$/, "")
    const line = texts[name] && excerpt(texts[name])
    if (line) found.append(line)
  }
}
if (words.length) {
  new MutationObserver(add).observe(document.getElementById("search-results"), { childList: true, subtree: true })
  add()
}
