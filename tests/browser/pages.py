"""What the browser tests do on a notebook's page: find explorers, move sliders by keyboard, time it, read the tree."""

import time

# Roles of what can be operated or must be described.
NAMED = {"slider", "spinbutton", "combobox", "button", "radio", "textbox", "checkbox", "image"}

PICTURE = ".fldp-stage svg[role=img]:visible"  # the layout that is on show, of two
# Resolves with milliseconds from the next key press to the end of the frame that shows another picture. The layout that is
# not on show is drawn a little later: were it counted, the next key would be pressed before the kernel answered this one,
# and two keys that cancel each other out leave nothing to draw.
TIMER = """panel => new Promise((resolve, reject) => {
  const shown = () => [...panel.querySelectorAll('.fldp-stage svg[role=img]')].find(one => one.checkVisibility())?.innerHTML
  const before = shown()
  let pressed = 0
  const watch = new MutationObserver(() => {
    if (!pressed || [undefined, before].includes(shown())) return
    watch.disconnect()
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - pressed)))
  })
  window.addEventListener('keydown', event => { pressed = performance.now() }, {once: true, capture: true})
  watch.observe(panel.querySelector('.fldp-stage'), {childList: true, subtree: true, characterData: true, attributes: true})
  setTimeout(() => reject(new Error('no new picture within 30 s')), 30000)
})"""


# From where `lab.run_all` began: when the first panel stands there with its picture (or its question) and its controls; and
# where, on the notebook's first screen: JupyterLab goes to the last cell when it runs all.
WATCH = """() => {
  window.begun = performance.now()
  window.heroFound = new Promise(resolve => {
    const inside = element => { // the share of its height that is on the screen where the notebook begins
      const box = element.getBoundingClientRect(), gone = element.closest('.jp-WindowedPanel-outer')?.scrollTop ?? 0
      const high = Math.min(box.bottom + gone, innerHeight) - Math.max(box.top + gone, 0)
      return box.left >= 0 && box.right <= innerWidth + 1 ? Math.max(0, high / box.height) : 0
    }
    const look = () => {
      const panel = document.querySelector('.fldp-panel')
      if (!panel || !panel.checkVisibility()) return
      const picture = [...panel.querySelectorAll('.fldp-stage svg[role=img], .fldp-ask')].find(
        one => one.checkVisibility() && one.getBoundingClientRect().height > 20)
      const control = panel.querySelector('.noUi-handle, .ui-slider-handle, .widget-toggle-buttons button, select')
      if (!picture || !control) return
      watch.disconnect()
      requestAnimationFrame(() => setTimeout(() => resolve({
        seconds: (performance.now() - window.begun) / 1000,
        seen: inside(picture), here: inside(picture) >= 0.3 && inside(control) === 1,
        top: Math.round(panel.getBoundingClientRect().top), high: Math.round(panel.getBoundingClientRect().height),
      })))
    }
    const watch = new MutationObserver(look)
    watch.observe(document.body, {childList: true, subtree: true})
  })
}"""


def watch(page):
    """Look out for the first explorer; call it before the cells are run."""
    page.evaluate(WATCH)


def hero(page):
    """The seconds from *Run All* to the first explorer, whether it stands on the first screen, its top and height.

    It does where its first control is seen whole, and of its picture (or question) a good part: `seen` says how much.
    """
    return page.evaluate("() => Promise.race([window.heroFound, new Promise(end => setTimeout(() => end(null), 5000))])")


def explorers(page):
    """Scroll through the notebook and return its explorers' panels, each answered if it asks for a prediction."""
    page.locator(".fldp-panel").first.wait_for(state="attached", timeout=60_000)  # cells far down are drawn a little later
    count = page.locator(".fldp-panel").count()
    panels = [page.locator(".fldp-panel").nth(number) for number in range(count)]
    for panel in panels:
        panel.scroll_into_view_if_needed()
        answers = panel.locator(".fldp-ask .widget-toggle-buttons button")
        if answers.count():
            answers.nth(1).focus()
            page.keyboard.press("Enter")
        panel.locator(PICTURE).first.wait_for(timeout=20_000)
    return panels


def shown(panel, sentence=True):
    """The picture's curves and the sentence, as they stand."""
    said = panel.locator("[role=status]").first.inner_text() if sentence else ""
    return panel.locator(PICTURE).first.inner_html(), said


def settled(panel, before, timeout=30_000):
    """Wait until neither picture nor sentence is as before and nothing is being computed; return both."""
    panel.page.wait_for_function(
        """([panel, picture, sentence]) => {
          const said = panel.querySelector('[role=status]')
          const drawn = [...panel.querySelectorAll('.fldp-stage svg[role=img]')].find(one => one.checkVisibility())
          return said && said.getAttribute('aria-busy') === 'false' && said.innerText !== sentence
            && drawn && drawn.innerHTML !== picture
        }""",
        arg=[panel.element_handle(), *before],
        timeout=timeout,
    )
    return shown(panel)


def named(panel):
    """Wait until the panel's sliders have got their names, which happens a moment after it is drawn."""
    panel.page.wait_for_function(
        "panel => [...panel.querySelectorAll('.noUi-handle')].every(handle => handle.getAttribute('aria-label'))",
        arg=panel.element_handle(),
        timeout=20_000,
    )


# Sliders on axes whose track is not on its axis: the axis is a long straight path of the picture.
ASIDE = """panel => {
  const faults = [], lines = [...panel.querySelectorAll('.fldp-stage svg[aria-hidden] path')].filter(
    path => path.checkVisibility()).map(path => path.getBoundingClientRect())
  for (const strip of panel.querySelectorAll('.fldp-along')) {
    const {left, right, top, bottom} = strip.getBoundingClientRect(), flat = right - left > bottom - top
    const on = line => flat
      ? line.height < 3 && Math.abs(line.top - (top + bottom) / 2) < 2 && line.left < left + 2 && line.right > right - 2
      : line.width < 3 && Math.abs(line.left - (left + right) / 2) < 2 && line.top < top + 2 && line.bottom > bottom - 2
    const handle = strip.querySelector('.noUi-handle').getBoundingClientRect()
    const off = flat ? handle.top + handle.bottom - top - bottom : handle.left + handle.right - left - right
    if (!lines.some(on) || Math.abs(off) > 2) faults.push(strip.className)
  }
  return faults
}"""


def aside(panel):
    """The sliders that should stand on an axis of the panel's picture and do not."""
    return panel.evaluate(ASIDE)


def press(panel, handle, key):
    """Press a key on a slider and return the milliseconds until the new picture."""
    handle.focus()
    panel.page.evaluate(f"panel => {{ window.timed = ({TIMER})(panel) }}", panel.element_handle())
    panel.page.keyboard.press(key)
    return panel.page.evaluate("() => window.timed")


def hold(panel, handle, seconds):
    """Hold an arrow key, there and back; return the key events and the milliseconds from release to the last picture."""
    page = panel.page
    page.evaluate(
        """panel => {
          window.drawn = 0
          new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => { window.drawn = performance.now() })))
            .observe(panel.querySelector('.fldp-stage'), {childList: true, subtree: true})
        }""",
        panel.element_handle(),
    )
    handle.focus()
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        page.keyboard.down("ArrowRight" if count // 25 % 2 else "ArrowLeft")  # repeats, as a held key does
        count += 1
        page.wait_for_timeout(30)
    released = page.evaluate("() => performance.now()")
    page.keyboard.up("ArrowLeft")
    page.keyboard.up("ArrowRight")
    page.wait_for_timeout(2_000)
    return count, page.evaluate("() => window.drawn") - released


def tree(page, selector):
    """The accessibility tree below an element, as (role, name, node) of what is not ignored."""
    session = page.context.new_cdp_session(page)
    page.locator(selector).evaluate("element => { window.root = element }")
    root = session.send("Runtime.evaluate", {"expression": "window.root"})
    nodes = session.send("Accessibility.queryAXTree", {"objectId": root["result"]["objectId"]})["nodes"]
    session.detach()
    return [(n["role"]["value"], n.get("name", {}).get("value", "").strip(), n) for n in nodes if not n["ignored"]]
