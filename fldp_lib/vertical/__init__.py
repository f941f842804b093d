"""Vertical federation: the same people, other columns at each party.

In the order that data flows: `parties` (who holds which columns of whom), `matching` (which people all of them have),
`protection` (what is added, and what it promises to whom), `split` (one model, cut between the parties).
"""
