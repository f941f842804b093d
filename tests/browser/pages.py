"""What the browser tests do on a notebook's page: find explorers, move sliders by keyboard, time it, read the tree."""

import json

# Resolves with milliseconds from the next key press to the end of the frame that shows the panel's new picture.
TIMER = """panel => new Promise((resolve, reject) => {
  let pressed = 0
  const picture = () => panel.querySelector('svg[role=img]').parentElement
  const watch = new MutationObserver(() => {
    if (!pressed) return
    watch.disconnect()
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - pressed)))
  })
  window.addEventListener('keydown', event => { pressed = performance.now() }, {once: true, capture: true})
  watch.observe(picture(), {childList: true, subtree: true, characterData: true, attributes: true})
  setTimeout(() => reject(new Error('no new picture within 30 s')), 30000)
})"""


def explorers(page):
    """Scroll through the notebook and return its explorers' panels, each answered if it asks for a prediction."""
    count = page.locator(".fldp-panel").count()
    panels = [page.locator(".fldp-panel").nth(number) for number in range(count)]
    for panel in panels:
        panel.scroll_into_view_if_needed()
        answers = panel.locator(".widget-toggle-buttons button")
        if answers.count():
            answers.nth(1).focus()
            page.keyboard.press("Enter")
        panel.locator("svg[role=img]").first.wait_for(timeout=20_000)
    return panels


def shown(panel):
    """The picture's curves and the sentence, as they stand."""
    return panel.locator("svg[role=img]").first.inner_html(), panel.locator("[role=status]").first.inner_text()


def settled(panel, before, timeout=30_000):
    """Wait until neither picture nor sentence is as before and nothing is being computed; return both."""
    panel.page.wait_for_function(
        """([panel, picture, sentence]) => {
          const said = panel.querySelector('[role=status]'), drawn = panel.querySelector('svg[role=img]')
          return said && said.getAttribute('aria-busy') === 'false' && said.innerText !== sentence
            && drawn.innerHTML !== picture
        }""",
        arg=[panel.element_handle(), *before],
        timeout=timeout,
    )
    return shown(panel)


def press(panel, handle, key):
    """Press a key on a slider and return the milliseconds until the new picture."""
    handle.focus()
    timer = panel.page.evaluate_handle(
        "panel => { window.timed = (" + TIMER + ")(panel); return true }", panel.element_handle()
    )
    timer.dispose()
    panel.page.keyboard.press(key)
    return panel.page.evaluate("() => window.timed")


def tree(page, selector):
    """The accessibility tree below an element, as (role, name, description or value) of what is not ignored."""
    session = page.context.new_cdp_session(page)
    root = session.send("Runtime.evaluate", {"expression": f"document.querySelector({json.dumps(selector)})"})
    nodes = session.send("Accessibility.queryAXTree", {"objectId": root["result"]["objectId"]})["nodes"]
    session.detach()
    words = [(n["role"]["value"], n.get("name", {}).get("value", "").strip(), n) for n in nodes if not n["ignored"]]
    return words
