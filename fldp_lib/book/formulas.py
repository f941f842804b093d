"""Formulas of the book: TeX to MathML, which browsers show without a script, and what Sphinx needs to know."""

import re
from xml.etree import ElementTree

from .. import checks

MATHML = "http://www.w3.org/1998/Math/MathML"
NAMES = ("ln", "log", "exp", "max", "min", "sup", "inf", "lim", "arg", "argmin", "argmax", "Pr", "sin", "cos", "det", "tr")
BELOW = ("max", "min", "sup", "inf", "lim")  # in a displayed formula, what they range over


def mathml(formula, display="inline"):
    """Convert a formula from TeX to MathML.

    Args:
        formula: TeX, without dollar signs.
        display: "inline" or "block".

    Returns:
        The `<math>` element, as text.

    Raises:
        ValueError: the formula cannot be converted, or a command in it is not known.
    """
    checks.text("formula", formula), checks.one_of("display", display, ("inline", "block"))
    from latex2mathml.converter import convert

    try:
        tree = ElementTree.fromstring(convert(formula, display=display))
    except Exception as error:
        raise ValueError(f"formula must be TeX that latex2mathml converts, got {formula!r}: {error!r}") from error
    for node in tree.iter():
        node.tag = node.tag.removeprefix(f"{{{MATHML}}}")
    _space(tree, display)
    tree.set("xmlns", MATHML)
    written = ElementTree.tostring(tree, encoding="unicode")
    if unknown := re.findall(r"\\\w+", written):
        raise ValueError(f"formula must use known commands, got {', '.join(unknown)} in {formula!r}")
    return written


def _space(tree, display):
    """Space a formula as TeX does: none around bars and slashes, a little around names such as ln, limits below max."""
    for node in tree.iter("mo"):
        if node.text in ("|", "‖", "/"):
            node.attrib.update(lspace="0", rspace="0")
    for node in tree.iter("msub"):
        if display == "block" and node[0].text in BELOW:
            node.tag = "munder"
    for row in tree.iter("mrow"):
        for before, node, after in zip([None, *row[:-1]], row, [*row[1:], None], strict=True):
            name = node[0] if node.tag in ("msub", "msup", "msubsup", "munder") else node
            if name.text in NAMES:
                name.tag, sides = "mo", {"lspace": before, "rspace": after}
                name.attrib.update({k: "0" if v is None or v.tag == "mo" else "0.17em" for k, v in sides.items()})


def anchor(title):
    """Return the anchor that Jupyter gives a heading, by which notebooks link to it; without what an address must quote."""
    checks.text("title", title)
    return title.replace(" ", "-")


def setup(app):
    """Register the mathematics with Sphinx, which calls this, and WebP as a kind of picture."""
    from docutils import nodes
    from sphinx.builders.html import StandaloneHTMLBuilder

    def visit(display, before="", after=""):
        def write(translator, node):
            try:
                translator.body.append(before + mathml(node.astext(), display) + after)
            except ValueError as error:
                raise ValueError(f"{translator.builder.current_docname}: {error}") from error
            raise nodes.SkipNode

        return write, None

    kinds = StandaloneHTMLBuilder.supported_image_types
    StandaloneHTMLBuilder.supported_image_types = [*dict.fromkeys([*kinds, "image/webp"])]
    app.add_html_math_renderer("mathml", visit("inline"), visit("block", '<div class="math">', "</div>\n"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
