#!/usr/bin/env python
"""Make first_screen.webp, README's moving picture: notebook 00's explorers in JupyterLab, moved and asked as by a reader.

    .venv/bin/python figures/first_screen.py

Every frame is a screenshot of what the kernel has just computed; only the pointer is drawn. Needs what tests/browser needs:
Chromium and tests/requirements-peers.txt.
"""

import io
import pathlib
import sys
import tempfile

import nbformat

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "browser"))
import pages
from lab import ROOT, chromium, lab, open_notebook, run_all
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
LESSON = ROOT / "notebooks" / "00_start_here.ipynb"
WIDTH, BYTES, SECONDS = 960, 1_500_000, 20  # of the picture, at most
POINTER = """() => {
  const pointer = document.createElement('div')
  pointer.id = 'pointer'
  pointer.style.cssText = 'position:fixed;z-index:99999;pointer-events:none;left:-99px'
  pointer.innerHTML = '<svg width="22" height="30" viewBox="0 0 11 15"><path d="M0 0v13l3-3 2 4.6 2-.9-2-4.4h4.2z"'
    + ' fill="#111" stroke="#fff"/></svg>'
  document.body.append(pointer)
}"""


class Film:
    """Frames of one panel after the other, each with its milliseconds, on a sheet of one size."""

    def __init__(self, page):
        self.page, self.frames = page, []
        page.evaluate(POINTER)

    def show(self, panel):
        """Make this the panel that is filmed."""
        self.panel = panel
        panel.evaluate("panel => panel.scrollIntoView({block: 'start'})")
        self.page.wait_for_timeout(500)

    def point(self, control):
        """Put the pointer on a control, and the keyboard's focus."""
        box = control.bounding_box()
        self.page.evaluate(
            "([x, y]) => Object.assign(document.getElementById('pointer').style, {left: x + 'px', top: y + 'px'})",
            [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2],
        )

    def take(self, milliseconds):
        """Take a frame; one that is like the last one prolongs it."""
        picture = Image.open(io.BytesIO(self.panel.screenshot())).convert("RGB")
        if self.frames and self.frames[-1][0].tobytes() == picture.tobytes():
            self.frames[-1][1] += milliseconds
        else:
            self.frames.append([picture, milliseconds])

    def slide(self, name, key, presses, frames, milliseconds=90):
        """Move a slider by keys, a frame every few of them, and wait each time until the picture is there."""
        handle = self.panel.locator(f".noUi-handle[aria-label^='{name}']")
        for number in range(presses):
            handle.focus()
            before = pages.shown(self.panel)[0]
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(60)
            if (number + 1) % max(1, presses // frames) == 0:
                self.page.wait_for_timeout(100 if pages.shown(self.panel)[0] != before else 250)
                self.point(handle)
                self.take(milliseconds)

    def save(self, path):
        """Write the film, as fine as its size allows; returns its seconds."""
        high = max(picture.height for picture, _ in self.frames)
        sheets = []
        for picture, _ in self.frames:
            sheet = Image.new("RGB", (WIDTH, high), "white")
            sheet.paste(picture, (0, 0))
            sheets.append(sheet)
        durations = [milliseconds for _, milliseconds in self.frames]
        for quality in range(85, 20, -10):
            sheets[0].save(
                path, save_all=True, append_images=sheets[1:], duration=durations, loop=0, quality=quality, method=4
            )
            if path.stat().st_size <= BYTES:
                break
        assert path.stat().st_size <= BYTES and sum(durations) <= 1000 * SECONDS
        return sum(durations) / 1000


def play(film, hospitals, guesses):
    """What a reader does in the first minute."""
    film.show(hospitals)
    film.take(1_500)
    film.slide("total ε", "ArrowLeft", 14, 7)
    film.take(900)
    film.slide("total ε", "ArrowRight", 34, 17)
    film.take(900)
    film.slide("hospitals", "ArrowRight", 30, 15)
    film.take(1_200)
    film.slide("rounds", "Home", 1, 1, 400)
    film.slide("rounds", "ArrowRight", 19, 19, 120)
    film.take(1_500)
    film.show(guesses)
    answer = guesses.locator(".widget-toggle-buttons button")
    film.point(answer.nth(2))
    film.take(2_200)
    answer.nth(2).focus()
    film.page.keyboard.press("Enter")
    guesses.locator(pages.PICTURE).first.wait_for(timeout=20_000)
    pages.named(guesses)
    film.page.wait_for_timeout(500)
    film.take(2_200)
    film.slide("total ε", "ArrowRight", 20, 10)
    film.take(2_000)


def main():
    """Film the two explorers and write the picture."""
    with tempfile.TemporaryDirectory() as folder, lab(pathlib.Path(folder)) as address, chromium() as browser:
        notebook = nbformat.read(LESSON, as_version=4)
        notebook.cells = [*notebook.cells[:3], nbformat.v4.new_code_cell("exhibits.attackers()")]
        path = pathlib.Path("notebooks") / "film.ipynb"
        nbformat.write(notebook, pathlib.Path(folder) / "course" / path)
        page = browser.new_page(viewport={"width": WIDTH + 140, "height": 1000})
        open_notebook(page, address, path)
        page.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")
        run_all(page)
        panels = page.locator(".fldp-panel")
        panels.nth(1).wait_for(timeout=60_000)
        wide = "(panel, width) => { panel.style.cssText += `;width:${width}px;flex:none` }"
        for panel in panels.all():
            panel.evaluate(wide, WIDTH)
        pages.named(panels.nth(0))
        page.wait_for_timeout(1_000)
        film = Film(page)
        play(film, panels.nth(0), panels.nth(1))
        seconds = film.save(HERE / "first_screen.webp")
    print("first_screen.webp", len(film.frames), "frames,", round(seconds, 1), "s")


if __name__ == "__main__":
    main()
