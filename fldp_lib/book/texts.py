"""What the book's search looks through: the text of every section, in a script; from a folder nothing can be fetched."""

import html.parser
import json

NAME = "texts.js"  # of the script, which the search's page alone loads
GLOSSARY = "Glossary"  # the heading of the section whose table has a term a line
LEFT_OUT = {"figure", "script", "style", "svg", "title"}
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
BLOCKS = HEADINGS | {"p", "div", "li", "td", "th", "pre", "dt", "dd", "br", "blockquote"}


class Text(html.parser.HTMLParser):
    """The text of a page's body by sections, without explorers, scripts and the signs beside headings.

    Args:
        body: HTML.

    Attributes:
        sections: for each, in order, its anchor, its heading, its words and the names of what it defines, as lists of parts.
            What stands before the first has no anchor; a function or a class of the reference is a section too, and so is
            each term of the glossary.
    """

    def __init__(self, body):
        super().__init__()
        self.sections, self.within, self.open, self.cells = [("", [], [], [])], [], [], 0
        self.feed(body)

    def handle_starttag(self, tag, attributes):
        """Note what is left out until it ends; a block's words are not joined to those before it."""
        attributes = dict(attributes)
        if tag in LEFT_OUT or (tag == "a" and "headerlink" in (attributes.get("class") or "")):
            self.within.append(tag)
        if (tag == "section" or "sig" in (attributes.get("class") or "").split()) and attributes.get("id"):
            name = attributes["id"].removeprefix("fldp_lib.") if tag == "dt" else ""
            self.sections.append((attributes["id"], [name], [], []))
        if tag == "tr" and "".join(self.sections[-1][1]).startswith(GLOSSARY):
            self.sections.append((self.sections[-1][0], [f"{GLOSSARY}: "], [], []))
            self.cells = 0
        self.cells += tag == "td"
        if tag in BLOCKS:
            self.sections[-1][2].append(" ")
        if tag in HEADINGS | {"blockquote", "strong"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """End what was left out, a heading, a definition's name."""
        if self.within and self.within[-1] == tag:
            self.within.pop()
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data):
        """Take the words."""
        if self.within:
            return
        _, heading, words, defined = self.sections[-1]
        words.append(data)
        if HEADINGS & set(self.open):
            heading.append(data)
        elif self.open[-2:] == ["blockquote", "strong"]:
            defined.append(f"{data}; ")
        elif heading and heading[0] == f"{GLOSSARY}: " and self.cells in (1, 2):  # the term in two languages
            heading += [data] if self.cells == 1 else []
            defined.append(f"{data.strip()}; " if data.strip() else "")


def sections(body):
    """Return a page's sections: [anchor, heading, words, what is defined there] each, one space between two words.

    Args:
        body: the page's body (HTML).
    """
    found = [[anchor, *(" ".join("".join(part).split()) for part in rest)] for anchor, *rest in Text(body).sections]
    return [one for one in found if one[2] and one[1] != f"{GLOSSARY}:"]


def text(body):
    """Return the words of a page's body (HTML), one space between two of them."""
    return " ".join(words for _, _, words, _ in sections(body))


def setup(app):
    """Register with Sphinx, which calls this: it collects the texts and writes them once all pages are there."""
    found = {}

    def seen(app, name, template, context, doctree):
        if context.get("body"):
            found[name] = sections(context["body"])
        if name == "search":
            app.add_js_file(NAME)
            app.add_js_file("ranking.js")
            app.add_js_file("search.js", loading_method="defer")

    def write(app, error):
        if not error:
            told = json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
            (app.outdir / "_static" / NAME).write_text(f"const texts = {told}\n", encoding="utf-8")

    app.connect("html-page-context", seen)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
