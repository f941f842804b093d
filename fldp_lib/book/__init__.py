"""The whole course as static pages: `python -m fldp_lib.book OUT`."""

from .build import build, main

__all__ = ["build", "main"]
