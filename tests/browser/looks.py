"""How explorers look: letters, contrast, width, labels by their boxes, what axe finds; light and dark, narrow and zoomed.

Each check returns the faults it found, an empty list where there are none; test_looks.py plants one of each kind.
"""

import contextlib
import json
import math

LEAST, CONTRAST = 12, 4.5  # pixels of a letter; WCAG 2.2's contrast for text, AA
PHONE = 390  # pixels
SETTINGS = 20  # random ones at which the labels are compared, besides 16 with all controls at their ends

# All text in an element that is smaller than it may be, fainter, cut off, or beyond the element's own edge.
LOOK = """(panel, {least, contrast}) => {
  const faults = [], canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true})
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data
    return [r, g, b, a / 255]
  }
  const over = (top, under) => under.map((c, k) => k < 3 ? top[k] * top[3] + c * (1 - top[3]) : 1)
  const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0)
  const chain = element => { const up = []; for (let e = element; e; e = e.parentElement) up.unshift(e); return up }
  const behind = element => chain(element).filter(e => !(e instanceof SVGElement)).reduce(
    (under, e) => over(rgba(getComputedStyle(e).backgroundColor), under), [255, 255, 255, 1])
  const edge = panel.getBoundingClientRect()
  const words = (element, text, box) => {
    const style = getComputedStyle(element), drawn = element instanceof SVGElement, shown = text.trim().slice(0, 60)
    const matrix = drawn ? element.getScreenCTM() : null
    const size = parseFloat(style.fontSize) * (drawn ? Math.sqrt(Math.abs(matrix.a * matrix.d - matrix.b * matrix.c)) : 1)
    if (size < least - 0.05) faults.push(`small, ${size.toFixed(1)} px: ${shown}`)
    const ink = rgba(drawn ? style.fill : style.color), under = behind(element)
    for (const e of chain(element)) ink[3] *= Number(getComputedStyle(e).opacity)
    if (drawn) ink[3] *= Number(style.fillOpacity)
    const [dark, bright] = [light(over(ink, under)), light(under)].sort((a, b) => a - b)
    const ratio = (bright + 0.05) / (dark + 0.05)
    if (ratio < contrast - 0.005) faults.push(`faint, ${ratio.toFixed(2)}: ${shown}`)
    if (box.left < edge.left - 1 || box.right > edge.right + 1) faults.push(`beyond the edge: ${shown}`)
    if (!drawn && ['hidden', 'clip'].includes(style.overflowX) && element.scrollWidth > element.clientWidth + 1)
      faults.push(`cut: ${shown}`)
  }
  const seen = element => {
    const box = element.getBoundingClientRect()
    return element.checkVisibility({opacityProperty: true, visibilityProperty: true}) && box.width > 1 && box.height > 1
  }
  const walk = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT)
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement, text = walk.currentNode.textContent
    if (!text.trim() || element.closest('style, script, option, title, desc, [disabled]') || !seen(element)) continue
    const range = document.createRange()
    range.selectNodeContents(walk.currentNode)
    words(element, text, element instanceof SVGElement ? element.getBoundingClientRect() : range.getBoundingClientRect())
  }
  for (const field of panel.querySelectorAll('input, select, textarea')) {
    if (!seen(field) || field.disabled || ['hidden', 'range', 'radio', 'checkbox'].includes(field.type)) continue
    const style = getComputedStyle(field), text = field.selectedOptions ? field.selectedOptions[0]?.text ?? '' : field.value
    words(field, text, field.getBoundingClientRect())
    canvas.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`
    const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)
    if (canvas.measureText(text).width > room + 1) faults.push(`cut: ${text.slice(0, 60)}`)
  }
  for (const picture of panel.querySelectorAll('svg, img, canvas')) {
    const box = picture.getBoundingClientRect()
    if (seen(picture) && (box.left < edge.left - 1 || box.right > edge.right + 1))
      faults.push(`beyond the edge: a picture, ${Math.round(box.width)} px in ${Math.round(edge.width)}`)
  }
  if (panel.scrollWidth > panel.clientWidth + 1) faults.push(`wider than its place: ${panel.scrollWidth} px`)
  return [...new Set(faults)]
}"""

# Labels of many states of one picture, put out of sight into the page at the width at which it is shown.
BOXES = """({svg, states, width}) => {
  const host = document.createElement('div'), faults = new Map()
  const fault = (words, state) => faults.set(words, [...faults.get(words) ?? [], state])
  host.style.cssText = `position:absolute;left:0;top:0;visibility:hidden;width:${width}px`
  host.innerHTML = svg
  document.body.append(host)
  const picture = host.querySelector('svg'), edge = picture.getBoundingClientRect()
  const layer = picture.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'g'))
  const measured = within => [...within.querySelectorAll('text')].filter(t => t.textContent.trim()).map(t => {
    const box = t.getBoundingClientRect(), matrix = t.getScreenCTM(), upright = Math.abs(matrix.b) > Math.abs(matrix.a)
    const [x, y] = upright ? [0.12 * box.width, 0] : [0, 0.12 * box.height] // a line's box is higher than its letters
    return {
      words: t.querySelector('tspan') ? t.textContent.replace(/\\s+/g, '') : t.textContent.trim(),
      left: box.left + x, right: box.right - x, top: box.top + y, bottom: box.bottom - y,
    }
  })
  const compare = (a, b, state) => {
    if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1) fault(`${a.words} over ${b.words}`, state)
  }
  const within = (a, state) => {
    if (a.left < edge.left - 1 || a.right > edge.right + 1 || a.top < edge.top - 1 || a.bottom > edge.bottom + 1)
      fault(`${a.words} is cut by the edge`, state)
  }
  const fixed = measured(picture)
  fixed.forEach((a, k) => { within(a, 'always'); fixed.slice(k + 1).forEach(b => compare(a, b, 'always')) })
  for (const [state, pieces] of states) {
    layer.innerHTML = pieces
    const moving = measured(layer)
    moving.forEach((a, k) => {
      within(a, state)
      fixed.forEach(b => compare(b, a, state))
      moving.slice(k + 1).forEach(b => compare(a, b, state))
    })
  }
  host.remove()
  return [...faults].map(([words, at]) => `${words}, ${at.length} times, as at ${at[0]}`)
}"""

# In the kernel: the words in every explorer that was shown, its controls at their ends and at random settings.
LABELS = """
def labels(settings):  # a function: the notebook's own names stay as they are
    import gc, itertools, json, random, re
    from fldp_lib.interactive import explorers

    found = {}
    for shown in [o for o in gc.get_objects() if type(o) is explorers.Explorer]:
        draw, controls = random.Random(shown.title), shown.controls
        ends = [[c.low, c.high] if isinstance(c, explorers.Slider) else c.values for c in controls.values()]
        corners = [dict(zip(controls, values)) for values in itertools.product(*ends)]
        states = draw.sample(corners, min(16, len(corners)))
        for _ in range(settings):
            state = {}
            for name, c in controls.items():
                if isinstance(c, explorers.Choice):
                    state[name] = draw.choice(c.values)
                else:
                    t = draw.random()
                    state[name] = c.tidy(c.low * (c.high / c.low) ** t if c.log else c.low + (c.high - c.low) * t)
            states.append(state)
        charts = shown.chart.layouts
        layouts = [{"svg": chart.svg([], "x"), "states": {}, "least": chart.least} for chart in charts]
        for state in states:
            marks = shown.draw(shown.compute(**state))
            for chart, layout in zip(charts, layouts):
                words = "".join(re.findall("<text.*?</text>", chart.overlay(marks), re.S))
                layout["states"].setdefault(words, ", ".join(f"{k} = {v}" for k, v in state.items()))
        for layout in layouts:
            layout["states"] = [[state, words] for words, state in layout["states"].items()]
        found[shown.title] = layouts
    print(json.dumps(found))


labels(%d)
"""


def look(panel):
    """Faults of what can be read in an element: small, faint, cut, beyond its edge."""
    return panel.evaluate(LOOK, {"least": LEAST, "contrast": CONTRAST})


def boxes(page, svg, states, width):
    """Labels that overlap or are cut by the picture's edge, at any of the states, as pairs of (state, SVG of its labels)."""
    return page.evaluate(BOXES, {"svg": svg, "states": states, "width": width})


def labels(page, run, settings=SETTINGS):
    """Faults of all explorers' labels, controls at their ends and at random, as wide as shown here and on a phone."""
    faults, widths = [], {}
    for panel in page.locator(".fldp-panel").all():
        title, stage = panel.locator(".fldp-title").first, panel.locator(".fldp-stage").first
        if title.count() and stage.count():
            widths[title.inner_text()] = stage.evaluate("stage => stage.clientWidth")
    for title, layouts in json.loads(run(LABELS % settings)).items():
        here = widths.get(title)
        if here is None:  # made, but not shown
            continue
        for width in (here, PHONE - 24):
            layout = layouts[0 if width >= layouts[0]["least"] or len(layouts) == 1 else 1]
            faults += [f"{title}, {width} px: {fault}" for fault in boxes(page, layout["svg"], layout["states"], width)]
    return faults


def axe(page, selector=".fldp-panel"):
    """Serious and critical findings of axe in the elements."""
    from axe_playwright_python.base import AXE_SCRIPT

    page.evaluate(f"() => {{ if (!window.axe) {{ {AXE_SCRIPT} }} }}")
    found = page.evaluate(
        "selector => axe.run({include: [[selector]]}, {resultTypes: ['violations'], elementRef: false, preload: false})", selector
    )
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@contextlib.contextmanager
def dark(page):
    """JupyterLab in its dark theme, and back."""
    change = "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})"
    is_light = "light => document.body.dataset.jpThemeLight === light"
    page.evaluate(change, "JupyterLab Dark")
    page.wait_for_function(is_light, arg="false")
    page.wait_for_timeout(300)
    try:
        yield
    finally:
        page.evaluate(change, "JupyterLab Light")
        page.wait_for_function(is_light, arg="true")


@contextlib.contextmanager
def sized(page, width, height):
    """The window in another size."""
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(300)
    try:
        yield
    finally:
        page.set_viewport_size(before)


@contextlib.contextmanager
def narrow(page, width=PHONE):
    """All panels in a place as narrow as a phone, and the window high enough for them."""
    place = """width => document.querySelectorAll('.fldp-panel').forEach(panel => {
      panel.parentElement.style.cssText = width ? `display:block;flex:none;width:${width}px;max-width:${width}px` : ''
    })"""
    with sized(page, page.viewport_size["width"], 2_400):
        page.evaluate(place, width)
        page.wait_for_timeout(200)
        try:
            yield
        finally:
            page.evaluate(place, 0)


def zoomed(page, scale=1.5):
    """The window at 150%: it has fewer of the page's own pixels."""
    return sized(page, *(math.floor(page.viewport_size[side] / scale) for side in ("width", "height")))


def survey(page, panels, stem):
    """Screenshots of every panel in four settings as `stem`_number_setting.png; the faults, and axe's findings, in each."""
    faults, found = [], []
    for setting, entered in (
        ("light", contextlib.nullcontext()), ("dark", dark(page)), ("phone", narrow(page)), ("zoomed", zoomed(page)),
    ):  # fmt: skip
        with entered:
            for number, panel in enumerate(panels):
                faults += [f"panel {number}, {setting}: {fault}" for fault in look(panel)]
                panel.screenshot(path=f"{stem}_{number}_{setting}.png")
            if setting in ("light", "dark"):
                found += [f"{setting}: {finding}" for finding in axe(page)]
    return faults, found
