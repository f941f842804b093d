"""Where another package keeps its files: found without running that package, so that it need only lie there."""

import importlib.util
from pathlib import Path


def within(package, *parts):
    """Return the path of a file or folder that an installed package brings along, or None where there is none.

    Args:
        package: name of the package; it is never imported.
        parts: the way down from the package's folder.
    """
    spec = importlib.util.find_spec(package)  # finds the package and does not run it
    places = [Path(place).joinpath(*parts) for place in spec.submodule_search_locations or ()] if spec else []
    return next((place for place in places if place.exists()), None)
