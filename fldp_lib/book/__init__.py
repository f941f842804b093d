"""The whole course as static pages: `python -m fldp_lib.book OUT`."""

from .build import build, main
from .live import export

__all__ = ["build", "export", "main"]
