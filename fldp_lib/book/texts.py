"""What the book's search shows beside a page's title: its text, in a script, since from a folder nothing can be fetched."""

import html.parser
import json

NAME = "texts.js"  # of the script, which the search's page alone loads
LEFT_OUT = {"figure", "script", "style", "svg", "title"}
BLOCKS = {"p", "div", "li", "td", "th", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "dt", "dd", "br", "blockquote"}


class Text(html.parser.HTMLParser):
    """The text of a page's body, without explorers, scripts and the signs beside headings."""

    def __init__(self, body):
        super().__init__()
        self.parts, self.within = [], []
        self.feed(body)

    def handle_starttag(self, tag, attributes):
        """Note what is left out until it ends; a block's words are not joined to those before it."""
        if tag in LEFT_OUT or (tag == "a" and "headerlink" in (dict(attributes).get("class") or "")):
            self.within.append(tag)
        if tag in BLOCKS:
            self.parts.append(" ")

    def handle_endtag(self, tag):
        """End what was left out."""
        if self.within and self.within[-1] == tag:
            self.within.pop()

    def handle_data(self, data):
        """Take the words."""
        if not self.within:
            self.parts.append(data)


def text(body):
    """Return the words of a page's body (HTML), one space between two of them."""
    return " ".join("".join(Text(body).parts).split())


def setup(app):
    """Register with Sphinx, which calls this: it collects the texts and writes them once all pages are there."""
    found = {}

    def seen(app, name, template, context, doctree):
        if context.get("body"):
            found[name] = text(context["body"])
        if name == "search":
            app.add_js_file(NAME)
            app.add_js_file("search.js", loading_method="defer")

    def write(app, error):
        if not error:
            told = json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
            (app.outdir / "_static" / NAME).write_text(f"const texts = {told}\n", encoding="utf-8")

    app.connect("html-page-context", seen)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
