"""fldp_lib: federated learning with differential privacy, in modules small enough to read.

    from fldp_lib import data, models, mechanisms, accounting, aggregation, train

In the order that data flows: `data` → `models` → `clients` → `mechanisms` → `accounting` → `aggregation` → `server`
(`train`), `history`. `plots`, `explorers` and `course` serve the notebooks and are imported by name.
"""

from . import accounting, aggregation, clients, data, mechanisms, models, server
from .history import History
from .server import train

__all__ = ["History", "accounting", "aggregation", "clients", "data", "mechanisms", "models", "server", "train"]
