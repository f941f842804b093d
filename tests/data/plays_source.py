"""From the package `shakespeare` (0.6) to `records/plays.txt.bz2` and `poems.txt.bz2`: who speaks which words, in order.

    python -m tests.data.plays_source FOLDER_OF_TEXTS

A name alone on its line, after an empty one (with a full stop, but for one play), begins a speech, and so does a name in
capitals before the words. Stage directions, in brackets, go. A name with fewer than three speeches in a play is no role.
"""

import bz2
import re
import sys
from collections import Counter
from pathlib import Path

from fldp_lib.data import plays

NAME = r"[A-Z][A-Za-z '&.-]{0,30}?"
ALONE, BARE = re.compile(rf"({NAME})\."), re.compile(r"([A-Z][A-Z ,'&.-]{1,30})")
BEFORE = re.compile(r"([A-Z][A-Z '&.-]{1,30})\.\s+(?=[A-Z'])(.*)")  # "CYMBELINE. Thou foolish thing!"
BREAK = re.compile(r"\s*(ACT|SCENE|Scene|Act|PROLOGUE|Prologue|EPILOGUE)\b.*")
NO_PLAYS = ("sonnets", "rape_of_lucrece", "lovers_complaint", "passionate_pilgrim", "phoenix_and_the_turtle")
TOGETHER = re.compile(
    r"(all|both|lords|ladies|children|knights|danes|banditti|citizens|several|others|i play)\b.*|.* and .*|.*[&,].*", re.I
)


def speeches(text):
    """Return (name, words) of every speech of a play, in order."""
    lines = [line.strip() for line in re.sub(r"\[[^\]]*\]", "", text).splitlines()]  # stage directions may be long
    form = max((ALONE, BARE), key=lambda form: sum(bool(form.fullmatch(line)) for line in lines))
    found, empty = [], True
    for line in lines:
        if BREAK.fullmatch(line):
            found.append(("", []))
        elif empty and (m := form.fullmatch(line)):
            found.append((m.group(1), []))
        elif empty and (m := BEFORE.fullmatch(line)):
            found.append((m.group(1), [m.group(2)]))
        elif line and found:
            found[-1][1].append(line)
        empty = not line
    return [(name, " ".join(words)) for name, words in found if name and words]


def plain(text):
    """Return a text in the alphabet: lower case, one space between words, dashes as one sign, other signs gone."""
    text = text.lower().replace("--", " - ").replace('"', " ").replace("_", " ")
    text = "".join(sign if sign in plays.ALPHABET else " " for sign in text)
    return re.sub(" +", " ", re.sub(r" ([.,;:!?])", r"\1", text)).strip()


def roles(folder):
    """Return (play, role, words) of every role of the plays in modern spelling, by play and name."""
    for file in sorted(Path(folder).glob("*_gut.txt")):
        play = file.name.removesuffix("_gut.txt")
        if play in NO_PLAYS:
            continue
        said = speeches(file.read_text(encoding="ascii"))
        count = Counter(name for name, _ in said)
        for name in sorted(count):
            if count[name] >= plays.SPEECHES and not TOGETHER.fullmatch(name):
                yield play, name.title(), plain(" ".join(words for who, words in said if who == name))


def poem(text):
    """Return a poem's lines in the alphabet, without its title, its dedication and its numbers."""
    start = re.search(r"^From (fairest creatures|the besieged Ardea)", text, re.M).start()
    return plain("\n".join(line for line in text[start:].splitlines() if not re.fullmatch(r"\s*[IVXLC]+\.?\s*", line)))


def files(folder):
    """Return what the two files in `records` hold, before they are packed: a line a role, a line a poem."""
    kept = [(play, name, words[: plays.MOST]) for play, name, words in roles(folder) if len(words) >= plays.LEAST]
    poems = [poem((Path(folder) / f"{name}_gut.txt").read_text(encoding="latin-1")) for name in plays.POEMS]
    return {"plays": "".join("\t".join(role) + "\n" for role in kept), "poems": "\n".join(poems) + "\n"}


if __name__ == "__main__":
    for name, text in files(sys.argv[1]).items():
        plays.FILES[name].write_bytes(bz2.compress(text.encode("ascii"), 9))
