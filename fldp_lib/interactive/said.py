"""What stands in words beside a picture: the sentence, in the colours of the curves that it names, an error, a crowd."""

import html
import math
import re

PERSON = "m-3 0a3 3 0 1 1 6 0a3 3 0 1 1 -6 0m-2.5 11v-3.5a5.5 5 0 0 1 11 0v3.5z"
ROW, STEP, LINE = 20, (13, 19), 5  # a crowd's people in a row, their distance, rows


def status(words, marks=(), busy=False):
    """Return the sentence as HTML; the labels of the marks, where the sentence says them, in the marks' colours.

    Args:
        words: the sentence.
        marks: of the picture that it speaks of.
        busy: whether a new one is being computed.
    """
    look = f"min-height:2.9em;opacity:{0.5 if busy else 1}"  # room for two lines: what is below stays where it is
    attributes = f'role="status" aria-live="polite" aria-busy="{str(busy).lower()}" style="{look}"'
    return f"<p {attributes}>{sentence(words, marks)}</p>"


def sentence(words, marks):
    """Return the words as HTML, the labels of the marks in the marks' colours; arguments as in `status`."""
    styles = {mark.label: mark.style for mark in marks if mark.label and mark.kind != "text" and mark.label != "pinned"}
    return coloured(words, styles)


def coloured(words, styles):
    """Return the words as HTML, each of some phrases in its colour.

    Args:
        words: plain text.
        styles: phrase → number of a style; of two phrases that begin alike the longer one is taken.
    """
    if not styles:
        return html.escape(words)
    longest = sorted(styles, key=len, reverse=True)
    parts = re.split(r"(?<!\w)(" + "|".join(map(re.escape, longest)) + r")(?!\w)", words)
    return "".join(
        f'<b class="t{styles[part]}" style="color:var(--fldp-t{styles[part]})">{html.escape(part)}</b>'
        if place % 2
        else html.escape(part)
        for place, part in enumerate(parts)
    )


def alert(error):
    """Return an error as HTML."""
    return f'<p role="alert"><b>{type(error).__name__}:</b> {html.escape(str(error))}</p>'


def crowd(attacker, unit):
    """Return a hundred guessers as HTML: whom a coin lets be right, whom what was released, and the bound.

    Args:
        attacker: with `people` (right of a hundred at even odds) and `bound` (a share).
        unit: whose taking part is guessed, such as "client"; or what is guessed, from "which" on, where the neighbours
            are others than with and without one.
    """
    right, most = attacker.people, min(100, math.ceil(100 * attacker.bound - 1e-9))
    across, down = STEP
    people = "".join(
        f'<path d="M{across * (k % ROW) + 6} {down * (k // ROW) + 6}{PERSON}" class="{kind}"/>'
        for k, kind in enumerate(["coin"] * min(50, right) + ["f6"] * (right - 50) + ["rest"] * (100 - max(right, 50)))
    )
    x, y = across * ((most - 1) % ROW + 1) - 0.5, down * ((most - 1) // ROW)
    edge = f'<path class="edge" d="M{x} {y + 1}v{down - 1}"/>'
    what = unit if unit.startswith("which ") else f"whether {'an' if unit[0] in 'aeio' else 'a'} {unit} took part"
    words = (
        f"100 guess {what}: 50 right by a coin, {max(0, right - 50)} more by all that is released; "
        f"(ε, δ) alone would allow {most}."
    )
    styles = {f"{max(0, right - 50)} more": 6, f"(ε, δ) alone would allow {most}": 7}
    size = f"0 0 {across * ROW} {down * LINE}"
    drawn = f'<svg viewBox="{size}" role="img" aria-label="{html.escape(words)}">{people}{edge}</svg>'
    return f'<div class="fldp-crowd">{drawn}<span>{coloured(words, styles)}</span></div>'
