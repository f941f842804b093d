// The page of an explorer tells its height; the frame that shows it takes it. One that was ready before this page listened,
// or out of sight, is asked.
const frames = document.querySelectorAll(".explorer iframe"), ask = frame => frame.contentWindow?.postMessage({ask: "height"}, "*")
addEventListener("message", event => {
  for (const frame of frames)
    if (frame.contentWindow === event.source && Number(event.data.height)) frame.style.height = `${event.data.height + 4}px`
})
const seen = new IntersectionObserver(found => found.forEach(one => one.isIntersecting && ask(one.target)))
for (const frame of frames) {
  ask(frame)
  frame.addEventListener("load", () => ask(frame))
  seen.observe(frame)
}

// What Furo leaves out for those who listen or use the keyboard only.
for (const caption of document.querySelectorAll(".caption[role=heading]")) caption.setAttribute("aria-level", "2")
document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "The book")
document.querySelector(".toc-drawer")?.setAttribute("aria-label", "This page")
addEventListener("load", () => {
  for (const block of document.querySelectorAll("pre, div.math")) if (block.scrollWidth > block.clientWidth) block.tabIndex = 0
})
