"""The words that the course shows, in the reader's language: English is the key, another edition adds a catalogue.

A catalogue is `locale/<language>/LC_MESSAGES/fldp.mo` beside this file; gettext takes the one that LANGUAGE or LANG names.
Exhibits wrap their words where they stand; the texts of exercises and quizzes are data, and are looked up when shown.
"""

import gettext
import pathlib

__all__ = ["translated"]
_CATALOGUE = gettext.translation("fldp", pathlib.Path(__file__).parent / "locale", fallback=True)


def translated(text):
    """Return a text in the reader's language, or as it is where no catalogue has it."""
    return _CATALOGUE.gettext(text) if text else text  # gettext's "" is the catalogue's own header
