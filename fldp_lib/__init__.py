"""fldp_lib: federated learning with differential privacy, in modules small enough to read.

    from fldp_lib import data, models, mechanisms, accounting, aggregation, train

In wings, each importing only from those above it: `data` and `privacy`; `training` (`models` → `clients` → `aggregation` →
`server`, which has `train`) and, beside it, `vertical` (columns apart instead of people); `adversary`; then what serves the
notebooks, `interactive`, `course`, `flower` and `book`.
"""

import gc as _gc

_collecting = _gc.isenabled()
_gc.disable()  # torch makes 170,000 objects, none of which ever goes: searching them took a fifth of the import
try:
    from . import data
    from .privacy import accounting, mechanisms
    from .training import aggregation, clients, models, server
    from .training.history import History
    from .training.plan import Plan
    from .training.server import train
finally:
    _gc.freeze()  # nor are they searched later
    if _collecting:
        _gc.enable()

__version__ = "1.0.0"

__all__ = ["History", "Plan", "accounting", "aggregation", "clients", "data", "mechanisms", "models", "server", "train"]
