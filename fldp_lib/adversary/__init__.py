"""Who works against it: `inversion` of updates, `poisoning`, `canaries` in a text, `vertical` (split models), and `auditing`,
which has planted `faults` to catch."""
