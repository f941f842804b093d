"""A page with the trainer, or with a copy of it in which one thing is wrong."""

import contextlib
import re

import live


@contextlib.contextmanager
def page_of(browser, slip=None):
    """A page with the trainer; slip: (file, pattern, other) changes a copy of one file on the way."""
    page = browser.new_page()
    for path in live.scripts():
        source = path.read_text(encoding="utf-8")
        if slip and path.name == slip[0]:
            source, changed = re.subn(re.escape(slip[1]), slip[2], source)
            assert changed, slip
        page.add_script_tag(content=source)
    yield page
    page.close()
