"""Who works against it: `inversion` of updates, `poisoning`, `vertical` (split models), and `auditing`, which
has planted `faults` to catch."""
