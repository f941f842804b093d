"""Widgets that share what they have in common: one layout and one style for all that look alike.

Each layout and each style is a model of its own, made in the kernel and sent to the page before a picture can be seen. A
panel of three sliders had 50 of them beside 30 widgets.
"""

_SHARED = {}


def made(kind, *values, layout=None, style=None, **words):
    """Return a new widget.

    Args:
        kind: the widget's class.
        values, words: for it.
        layout, style: what its layout and its style are given, as dicts. Neither is to be changed afterwards.
    """
    for name, options in (("layout", layout or {}), ("style", style or {})):
        if name in kind.class_trait_names():
            words[name] = _shared(kind, name, options)
    widget = kind(*values, **words)
    for name, options in (("layout", layout or {}), ("style", style or {})):
        if name in words:
            _SHARED[_key(kind, name, options)] = getattr(widget, name)
    return widget


def _key(kind, name, options):
    return (name if name == "layout" else kind, tuple(sorted(options.items())))


def _shared(kind, name, options):
    """What such a widget was given before, or the options, of which it makes its own; what is closed is of no use."""
    one = _SHARED.get(_key(kind, name, options))
    return options if one is None or one.comm is None else one
