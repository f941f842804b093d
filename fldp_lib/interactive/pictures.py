"""Pictures for notebook cells: PNG with alternative text."""

import base64
import html
import io

from matplotlib.figure import Figure

from .. import checks


class Picture:
    """A PNG with alternative text, for the last line of a notebook cell.

    Args:
        png: the picture's bytes.
        alt: what it shows, in a sentence.
        width: in CSS pixels; None takes the picture's own.
    """

    def __init__(self, png, alt, width=None):
        checks.kind("png", png, bytes, "bytes"), checks.text("alt", alt, some=True)
        if width is not None:
            checks.real("width", width, above=0)
        self.png, self.alt, self.width = png, alt, width

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = encode(self.png)
        width = f' width="{self.width}"' if self.width else ' style="max-width:100%"'
        page = f'<img alt="{html.escape(self.alt)}"{width} src="data:image/png;base64,{data}">'
        return {"text/html": page, "text/plain": f"[picture] {self.alt}"}

    def __repr__(self):
        return f"[picture] {self.alt}"


def picture(figure, alt, dpi=110):
    """Return a matplotlib figure as a `Picture` with alternative text.

    Args:
        figure: a `matplotlib.figure.Figure`; draw it inside `with plots.style():`.
        alt: what it shows, in a sentence.
        dpi: resolution, positive.
    """
    checks.kind("figure", figure, Figure, "a matplotlib.figure.Figure"), checks.text("alt", alt, some=True)
    checks.real("dpi", dpi, at_least=1, at_most=2_400)
    return Picture(png_of(figure, dpi, bbox_inches="tight"), alt)


def png_of(figure, dpi, **options):
    """A figure as PNG bytes with 96 colours: no hue shifts that one sees, and less than half of the size."""
    from PIL import Image

    buffer, small = io.BytesIO(), io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, **options)
    Image.open(buffer).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()


def encode(png):
    """Return PNG bytes as a notebook stores them: base64 text."""
    checks.kind("png", png, bytes, "bytes")
    return base64.b64encode(png).decode()
