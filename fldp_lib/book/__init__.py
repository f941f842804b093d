"""The whole course as static pages: `python -m fldp_lib.book OUT`."""

from .build import build, export, main

__all__ = ["build", "export", "main"]
