"""Who has what: people with items, and what bounds one person's part."""

from dataclasses import dataclass

import torch

from .. import checks


@dataclass(frozen=True)
class Items:
    """People and the items they have, a person and an item at most once together; made by `gather`.

    All of it is exact, its list of items, `people`, `most` and `kept` too: none of it may be published as it is.

    Attributes:
        items: the different items' names (k,), in alphabetical order.
        people: n, the number of people, those without an item among them.
        person, item: the pairs (m,): whose, and which, as numbers into `items`.
        kept: share of the pairs that bounding kept; 1 before.
    """

    items: tuple
    people: int
    person: torch.Tensor
    item: torch.Tensor
    kept: float = 1.0

    @property
    def most(self):
        """Largest number of items of one person."""
        return int(torch.bincount(self.person, minlength=1).max()) if len(self.person) else 0

    def counts(self):
        """Return how many people have each item (k,)."""
        return torch.bincount(self.item, minlength=len(self.items))

    def bounded(self, most, generator):
        """Return the same people, each with at most `most` of their items, drawn at random.

        Without a bound one person moves as many counts as there are items, and no noise covers that.

        Args:
            most: L, at least 1.
            generator: a `torch.Generator` on the CPU.

        Raises:
            TypeError, ValueError: arguments out of range.

        Derived in: notebook 22.
        Source: Wilson, Zhang, Lam, Desfontaines, Simmons-Marengo & Gipson 2020 (bounded user contribution).
        """
        most = checks.whole("most", most, at_least=1)
        checks.generator("generator", generator)
        mixed = torch.randperm(len(self.person), generator=generator)
        order = mixed[torch.argsort(self.person[mixed], stable=True)]  # by person, and at random within one
        sizes = torch.bincount(self.person, minlength=self.people)
        first = torch.repeat_interleave(sizes.cumsum(0) - sizes, sizes)
        chosen = order[torch.arange(len(order)) - first < most].sort().values
        kept = self.kept * len(chosen) / max(len(order), 1)
        return Items(self.items, self.people, self.person[chosen], self.item[chosen], kept)


def gather(values):
    """Return the people of a list, each with one item or with several.

    Args:
        values: for each person a text, or a list of texts (what occurs twice in it counts once).

    Returns:
        `Items`.

    Raises:
        TypeError, ValueError: no list, nobody, or an item that is no text.
    """
    if not isinstance(values, (list, tuple)) or not values:
        raise TypeError(f"values must be a list with a text or a list of texts for each person, got {checks.shown(values)}")
    rows = []
    for number, value in enumerate(values):
        row = [value] if isinstance(value, str) else value
        if not isinstance(row, (list, tuple, set, frozenset)) or not all(isinstance(item, str) for item in row):
            raise TypeError(
                f"values must have a text or a list of texts for each person, got {checks.shown(value)} ({number})"
            )
        rows.append(sorted(set(row)))
    items = tuple(sorted({item for row in rows for item in row}))
    index = {item: number for number, item in enumerate(items)}
    person = torch.tensor([number for number, row in enumerate(rows) for _ in row], dtype=torch.int64)
    return Items(items, len(rows), person, torch.tensor([index[item] for row in rows for item in row], dtype=torch.int64))
