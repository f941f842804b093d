"""Hand-ins as they come, read with suspicion: a file of any size, with anything in it."""

import contextlib
import json
import re

from .hand_in import FORMAT

LARGEST = 8 * 2**20  # bytes of a hand-in


def taken(path, ids):
    """(learner, id → (code, answer), why it is no hand-in or "")."""
    name = clean(path.stem if path.stem != "hand_in" else path.parent.name)
    try:
        if path.is_symlink() or not path.is_file():
            return name, {}, "no hand-in: not a file of its own"
        if path.stat().st_size > LARGEST:
            return name, {}, f"no hand-in: {path.stat().st_size:,} bytes; at most {LARGEST:,}"
        found = json.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin with a mark
    except RecursionError:
        return name, {}, "no hand-in: nested too deeply"
    except (OSError, ValueError) as error:
        return name, {}, f"no hand-in: {clean(error, 100)}"
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("exercises"), dict):
        return name, {}, f"no hand-in of format {FORMAT}: course.report() writes one"
    learner = found.get("learner")
    name, answers = clean(learner) if isinstance(learner, str) and learner.strip() else name, {}
    for id, entry in found["exercises"].items():
        pair = (entry.get("code", ""), entry.get("answer", "")) if isinstance(entry, dict) else (None, None)
        if id not in ids or not all(isinstance(text, str) and _whole(text) for text in pair):
            return name, {}, f"no hand-in: exercise {clean(id, 40)!r} is none, or holds something else than text"
        answers[id] = pair
    return name, answers, ""


def _whole(text):
    with contextlib.suppress(UnicodeEncodeError):
        return text.encode() is not None
    return False


def clean(text, most=60):
    """Text for a terminal: one line, without control characters, cut."""
    return re.sub(r"[^\w\s.,:;!?()\[\]{}<>=+\-*/%^~|&@#'\"`$√Σ·×–…≤≥±−\\]", "", " ".join(str(text).split()))[:most]
