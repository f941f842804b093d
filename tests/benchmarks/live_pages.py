#!/usr/bin/env python
"""How long a page that computes by itself takes in Chromium on this machine: from a key press to its pixels, and to open.

    .venv/bin/python tests/benchmarks/live_pages.py [NUMBERS …] [--keys 12] [--json]

For each explorer with a counterpart: the median and the 90% quantile over so many presses of an arrow key on each of its
sliders, in milliseconds to the end of the frame that shows another picture; the milliseconds from the navigation's start to
the first picture and sentence, from a local server; the page's bytes. Nothing else should run on the machine.
"""

import argparse
import functools
import http.server
import json
import pathlib
import statistics
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]
import live  # noqa: E402
from lab import chromium  # noqa: E402

EXHIBITS = ROOT / "fldp_lib" / "course" / "exhibits"
READY = "() => fldp.page?.shown && performance.now()"
PRESS = """range => new Promise(done => {
  const begun = performance.now(), said = document.getElementById('shown')
  let due = setTimeout(() => done(null), 2000)
  const watch = new MutationObserver(changes => {
    if (!changes.some(change => change.target.closest?.('.fldp-marks'))) return
    watch.disconnect()
    clearTimeout(due)
    requestAnimationFrame(() => { // this frame's pixels are there when the next task runs
      const next = new MessageChannel()
      next.port1.onmessage = () => done(performance.now() - begun)
      next.port2.postMessage(0)
    })
  })
  watch.observe(said, {subtree: true, childList: true})
  const key = window.back ? 'ArrowLeft' : 'ArrowRight'
  const before = range.value
  range.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}))
  if (range.value === before) { // at its end
    window.back = !window.back
    watch.disconnect()
    clearTimeout(due)
    done(null)
  }
})"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="*")
    parser.add_argument("--keys", type=int, default=12)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    numbers = chosen.numbers or sorted(
        {path.stem[2:].split("_")[0] for path in EXHIBITS.glob("nb*.py") if "browser.live(" in path.read_text("utf-8")}
    )
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = {  # before the browser runs: in its loop the explorers would draw while their pages load
            name: explorer.export_html(pathlib.Path(folder) / f"{name}.html")
            for number in numbers
            for name, explorer in live.explorers(number).items()
        }
        with chromium() as browser:
            measured(browser, folder, paths, chosen.keys, found)
    if chosen.json:
        print(json.dumps(found))
        return
    print(f"{'explorer':28}{'median':>8}{'p90':>8}{'open':>8}{'kB':>8}")
    for name, (middle, late, opened, size) in found.items():
        shown = "       –       –" if middle is None else f"{middle:8.0f}{late:8.0f}"
        print(f"{name:28}{shown}{opened:8.0f}{size / 1000:8.0f}")


def measured(browser, folder, paths, keys, found):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, path in paths.items():
        page = browser.new_page(viewport={"width": 1100, "height": 800})
        page.goto(f"http://127.0.0.1:{server.server_port}/{name}.html")
        opened = page.wait_for_function(READY, polling="raf").json_value()
        if page.locator("#asked").is_visible():
            page.locator("#asked button").first.click()
        times = []
        for slider in page.locator("input[type=range]").all():
            times += [time for time in (slider.evaluate(PRESS) for _ in range(keys)) if time is not None]
        quantiles = [statistics.median(times), statistics.quantiles(times, n=10)[-1]] if len(times) > 1 else [None] * 2
        found[name] = [*quantiles, opened, path.stat().st_size]
        page.close()
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    main()
