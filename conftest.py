"""Notebooks that pytest runs alone, without `tests`, show no bars either: a bar would be an output of its own."""

import os

os.environ.update(TQDM_DISABLE="1")
