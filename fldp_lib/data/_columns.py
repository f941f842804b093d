"""A table's columns, value by value: numbers, categories, ids, and how a message says which value is none of these."""

import math
import re
import unicodedata
from numbers import Integral, Real

import numpy as np

from .. import checks
from .forms import bounded

EXACT = 2**53  # floats from here on are not every whole number
MISSING = ("", "na", "n/a", "nan", "null", "none", "?")  # how files write that there is nothing, in small letters
WHY = (
    "They must be known before anybody looks at the records (from a form, a protocol, the range of what can happen): the "
    "least and the largest value in the records would be a release of its own, which no ε of the training pays for"
)


def head(words):
    """Return a table's column names: texts, each there once."""
    for name in words:
        if not isinstance(name, str) or not name:
            raise ValueError(f"columns must have names of text, got {name!r} among {checks.shown(words)}")
        if words.count(name) > 1:
            raise ValueError(f"columns must have different names, got {name!r} {words.count(name)} times")
    return words


def rules(argument, given, table):
    """Return what is said of columns, a dict whose keys are the table's."""
    if not isinstance(given, dict):
        raise TypeError(
            f"{argument} must be a dict from columns to what is public of them, got {checks.shown(given)}. {WHY}"
        )
    for name in given:
        checks.one_of(argument, name, table)
    return given


def pair(name, given, scale):
    """Return a column's public bounds (2,)."""
    try:
        return bounded(given, (2,), scale)
    except (TypeError, ValueError) as error:
        more = " and positive, as log asks" if scale == "log" else ""
        words = f"bounds[{name!r}] must be the public (low, high), finite, low below high{more}"
        raise type(error)(f"{words}; got {checks.shown(given)}. {WHY}") from None


def levels(argument, words):
    """Return a public list of levels or classes as texts, two at least: 1, 1.0 and "1" are one."""
    if not isinstance(words, (list, tuple, np.ndarray)) or len(words) < 2:
        raise TypeError(f"{argument} must be a public list of all that can occur, two at least, got {checks.shown(words)}")
    found = tuple(word_of(word) for word in words)
    if None in found or len(set(found)) < len(found):
        raise ValueError(f"{argument} must be different texts or whole numbers, got {checks.shown(words)}")
    return found


def word_of(value):
    """A level or an id as text, without spaces around it; None for what is neither text nor a whole number."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    whole = isinstance(value, Integral) or (isinstance(value, Real) and math.isfinite(value) and value == int(value))
    return str(int(value)) if whole else None


def numbers(name, column, where):
    """Return a column as numbers (n,), finite; `where` says a record's place."""
    found = np.empty(len(column))
    for n, value in enumerate(column):
        plain = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
        try:
            found[n] = float(value) if plain or (isinstance(value, str) and "_" not in value) else math.nan
        except (ValueError, OverflowError):
            found[n] = math.nan
        if not math.isfinite(found[n]):
            _refuse(
                name, n, value, where, "finite numbers, written with a point and without a unit (categories have levels)"
            )
    return found


def places(name, column, words, argument, where):
    """Return a column's places (n,) in a public list of levels or classes."""
    place = {word: number for number, word in enumerate(words)}
    found = [place.get(word_of(value), -1) for value in column]
    if -1 in found:
        n = found.index(-1)
        _refuse(name, n, column[n], where, f"what {argument} lists, {checks.shown(list(words))}")
    return np.array(found, dtype=np.int64)


def ids(name, column, where):
    """Return the clients' ids (n,): whole numbers where every one is written as such ("07" is not), text otherwise."""
    words = [word_of(value) for value in column]
    for n, (word, value) in enumerate(zip(words, column, strict=True)):
        if word is None or _nothing(value):
            _refuse(name, n, value, where, "a client's id, text or a whole number, in every record")
        if isinstance(value, Real) and not isinstance(value, Integral) and abs(value) >= EXACT:
            _refuse(name, n, value, where, "ids as text or as integers where they are so large that floats merge them")
    _spelt_once(name, column, words, where)
    plain = all(word.isascii() and word.isdecimal() and len(word) < 19 and str(int(word)) == word for word in words)
    return np.array(words, dtype=np.int64 if plain else str)


def _spelt_once(name, column, words, where):
    """Refuse ids that differ only as two spellings of one would: they would split a client, whose ε is then doubled."""
    first = {}
    for n, word in enumerate(words):
        number = re.fullmatch(r"0*(\d+)(\.0*)?", word)
        plain = number[1] if number else " ".join(unicodedata.normalize("NFKC", word).casefold().split())
        before = first.setdefault(plain, n)
        if words[before] != word:
            _refuse(
                name, n, column[n], where,
                f"each client's id in one spelling, or a client is split and its ε doubled ({where(before)} has "
                f"{checks.shown(column[before])}; rename where these are two clients)",
            )  # fmt: skip


def _nothing(value):
    text = isinstance(value, str) and value.strip().lower() in MISSING
    return (
        text
        or value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, Real) and value != value)
    )


def _refuse(name, n, value, where, allowed):
    """Every complaint about one value, in one form."""
    more = ": nothing there; fill it by a public rule, or leave the record out" if _nothing(value) else ""
    raise ValueError(f"column {name!r} must hold {allowed}; {where(n)} has {checks.shown(value)}{more}")
