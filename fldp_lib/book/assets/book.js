// The page of an explorer tells its height; the frame that shows it takes it. One that was ready before this page listened,
// or out of sight, is asked; what it is told along with it is whether this page is light or dark.
const frames = document.querySelectorAll(".explorer iframe")
const ask = frame => frame.contentWindow?.postMessage({ ask: "height", theme: document.body.dataset.theme }, "*")
addEventListener("message", event => {
  if (matchMedia("print").matches) return // it keeps what it had on the screen
  for (const frame of frames)
    if (frame.contentWindow === event.source && Number(event.data.height)) {
      frame.style.height = `${event.data.height + 4}px`
      frame.style.setProperty("--wide", `${frame.clientWidth}px`) // on paper it is laid out as here
      frame.dataset.ready = ""
    }
})
const seen = new IntersectionObserver(found => found.forEach(one => one.isIntersecting && ask(one.target)))
for (const frame of frames) {
  ask(frame)
  frame.addEventListener("load", () => ask(frame))
  seen.observe(frame)
}
new MutationObserver(() => frames.forEach(ask)).observe(document.body, { attributeFilter: ["data-theme"] })
// Frames far down load one after another once the page is there: what is printed or jumped over has its picture and height.
addEventListener("load", async () => {
  for (const frame of frames) {
    if (!("ready" in frame.dataset)) {
      const loaded = new Promise(done => frame.addEventListener("load", done, { once: true }))
      frame.loading = "eager"
      await Promise.race([loaded, new Promise(done => setTimeout(done, 3000))])
    }
    await new Promise(done => (window.requestIdleCallback ?? setTimeout)(done))
  }
})
// On paper a proof is not folded away; an answer and the cells that only set up are.
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("article details:not([open]):not(.hide)")) {
    if (one.querySelector("summary")?.textContent.trim() === "answer") continue
    one.open = true
    one.dataset.printed = ""
  }
})
addEventListener("afterprint", () => {
  for (const one of document.querySelectorAll("details[data-printed]")) {
    one.open = false
    delete one.dataset.printed
  }
})
// A picture that is shown much smaller than it is leads to itself, where it can be enlarged.
addEventListener("load", () => {
  for (const image of document.querySelectorAll("article img:not(a img)")) {
    if (image.src.startsWith("data:") || image.naturalWidth < 1.4 * image.clientWidth) continue
    const link = document.createElement("a")
    link.setAttribute("href", image.getAttribute("src"))
    image.replaceWith(link)
    link.append(image)
  }
})

// What Furo leaves out for those who listen or use the keyboard only.
for (const caption of document.querySelectorAll(".caption[role=heading]")) caption.setAttribute("aria-level", "2")
document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "The book")
document.querySelector(".toc-drawer")?.setAttribute("aria-label", "This page")
addEventListener("load", () => {
  for (const block of document.querySelectorAll("pre, div.math"))
    if (block.scrollWidth > block.clientWidth) block.tabIndex = 0
})
