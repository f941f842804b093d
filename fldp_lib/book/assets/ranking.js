// What the search finds, best first: sections of the book's pages by how often and where the words stand in them.
// `ranking(texts)` takes {page: [[anchor, heading, words, what is defined there], …]}; the answer has a `find(asked)`.
const ranking = (() => {
  const EMPTY = new Set(("a an and are as at be by can do does for from how i in is it its my of on or that the this to use "
    + "what when where which who why with you your").split(" ")) // they stand everywhere
  const LETTERS = {
    alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ε", theta: "θ", lambda: "λ", mu: "μ", rho: "ρ", sigma: "σ",
    tau: "τ",
  }
  const SAME = Object.fromEntries(Object.entries(LETTERS).flatMap(([name, letter]) => [[name, letter], [letter, name]]))
  const HAN = /\p{Script=Han}/u, NOTEBOOK = /^notebooks\/[^/]+$/
  const escaped = text => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&")
  // Small letters without accents, British endings as American ones; a letter stays a letter, so that places stay places.
  const folded = text => text.toLowerCase().replace(/[à-ÿ]/g, letter => letter.normalize("NFD")[0])
    .replace(/is(?=(?:e|ed|er|es|ing|ations?)(?![\p{L}\p{N}]))/gu, "iz")

  // The beginning that a word shares with its other forms: "clip" of "clipping".
  const stem = word => {
    if (word.length < 5 || /[._]/.test(word) || typeof Stemmer === "undefined") return word
    const cut = new Stemmer().stemWord(word)
    let shared = 0
    while (shared < cut.length && cut[shared] === word[shared]) shared++
    return shared < 3 ? word : word.slice(0, shared)
  }
  // A pattern that finds a word wherever one begins with it, or the letter of that name; Chinese has no spaces.
  const pattern = word => {
    if (HAN.test(word)) return escaped(word)
    const root = word.length < 3 ? `${escaped(word)}(?![\\p{L}\\p{N}])` : escaped(stem(word))
    const british = word.replace(/or(?=(?:s|ed|ing|ful)?$)/, "our")
    const forms = [root, ...(SAME[word] ? [SAME[word]] : []), ...(british === word ? [] : [escaped(stem(british))])]
    return `(?<![\\p{L}\\p{N}])(?:${forms.join("|")})`
  }
  const count = (text, found) => {
    let many = 0
    for (const _ of text.matchAll(found)) many++
    return many
  }
  // How many letters must be put in, left out, changed or swapped to make one word of another; over `most` it may be more.
  const apart = (one, other, most) => {
    if (Math.abs(one.length - other.length) > most) return most + 1
    let before = [], row = Array.from({ length: other.length + 1 }, (_, k) => k)
    for (let i = 1; i <= one.length; i++) {
      const next = [i]
      for (let j = 1; j <= other.length; j++) {
        const same = one[i - 1] === other[j - 1]
        next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (same ? 0 : 1))
        if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1])
          next[j] = Math.min(next[j], before[j - 2] + 1)
      }
      before = row
      row = next
      if (Math.min(...row) > most) return most + 1
    }
    return row.at(-1)
  }

  return texts => {
    const all = [], spelt = new Map() // every word → how often
    for (const [page, sections] of Object.entries(texts))
      for (const [anchor, heading, words, defined] of sections)
        all.push({
          page, anchor, heading, words, title: sections[0][1], head: folded(heading), defined: folded(defined),
          within: folded(page.startsWith("reference/") && heading.includes(".") ? `${heading} ${words}` : words),
        })
    const usual = all.reduce((sum, one) => sum + one.within.length, 0) / Math.max(all.length, 1)
    const vocabulary = () => {
      for (const one of spelt.size ? [] : all)
        for (const [word] of one.within.matchAll(/\p{L}{3,}/gu)) spelt.set(word, (spelt.get(word) ?? 0) + 1)
      return spelt
    }
    const nearest = word => { // the commonest of the words that differ least; itself where none is near
      const most = word.length > 5 ? 2 : 1
      let best = [most + 1, 0, word]
      for (const [other, many] of vocabulary()) {
        const far = apart(word, other, most)
        if (far < best[0] || (far === best[0] && far <= most && many > best[1])) best = [far, many, other]
      }
      return best[2]
    }
    const weight = (page, code) => // what a learner looks for stands in a notebook, a name of the package in the reference
      page.startsWith("reference/") ? (code ? 4 : 0.45) : NOTEBOOK.test(page) ? 1 : page === "index" ? 0.5 : 0.35

    const find = asked => {
      const split = folded(asked.normalize("NFKC")).replaceAll("fldp_lib.", "").split(/[^\p{L}\p{N}_.]+/u)
        .map(word => word.replace(/^\.+|\.+$/g, "")).filter(Boolean)
      const told = split.filter(word => !EMPTY.has(word))
      const words = [], other = {} // what was taken for a word that stands nowhere
      for (const word of new Set(told.length ? told : split)) {
        const there = new RegExp(pattern(word), "u")
        const taken = word.length < 4 || HAN.test(word) || all.some(one => there.test(one.within)) ? word : nearest(word)
        if (taken !== word) other[word] = taken
        words.push(taken)
      }
      if (!words.length) return { pages: [], patterns: [], phrases: [], other }
      const patterns = words.map(pattern), joined = parts => new RegExp(parts.join("[\\p{L}\\p{N}]*[\\s-]+"), "u")
      const phrase = words.length > 1 ? joined(patterns) : null, whole = split.length > 1 ? joined(split.map(pattern)) : null
      const phrases = [whole, phrase].filter(Boolean).map(one => one.source) // as asked, and without the empty words
      const code = /[._]|\p{Ll}\p{Lu}/u.test(asked.trim()), scores = new Map()
      const full = split.join(" ")
      for (const source of patterns) {
        const found = new RegExp(source, "gu")
        const hits = all.map(one => count(one.within, found)), many = hits.filter(Boolean).length
        const rare = Math.log(1 + (all.length - many + 0.5) / (many + 0.5))
        all.forEach((one, k) => {
          if (!hits[k]) return
          const often = (hits[k] * 2.2) / (hits[k] + 1.2 * (0.4 + (0.6 * one.within.length) / usual))
          const head = one.head.search(found) >= 0 ? 1.5 + 4 / one.head.split(" ").length : 0
          const defined = one.defined.search(found) >= 0 ? 2.5 : 0
          const title = folded(one.title).search(found) >= 0 ? 0.7 : 0
          const before = scores.get(one) ?? { score: 0, words: 0 }
          scores.set(one, { score: before.score + rare * (often + head + defined + title), words: before.words + 1 })
        })
      }
      const most = Math.max(0, ...[...scores.values()].map(found => found.words)), pages = new Map()
      for (const [one, found] of scores) {
        if (found.words < most) continue // sections with all words, if there are any
        let score = found.score
        if (whole?.test(one.head) || phrase?.test(one.head) || phrase?.test(one.defined)) score *= 2
        else if (whole?.test(one.within) || phrase?.test(one.within)) score *= 1.5
        if (one.defined.split(/[.;]+ ?/).includes(full)) score *= 1.5
        if (code && (`.${one.head}`.endsWith(`.${full}`) || one.head === full)) score *= 3
        score *= weight(one.page, code)
        const place = pages.get(one.page) ?? { page: one.page, title: one.title, score: 0, sections: [] }
        place.sections.push({ ...one, score })
        place.score = Math.max(place.score, score)
        pages.set(one.page, place)
      }
      for (const place of pages.values()) place.sections.sort((a, b) => b.score - a.score)
      return { pages: [...pages.values()].sort((a, b) => b.score - a.score), patterns, phrases, other }
    }
    return { find, folded }
  }
})()
if (typeof module !== "undefined") module.exports = { ranking }
