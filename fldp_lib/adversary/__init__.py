"""Who works against it: `inversion` of updates, `poisoning`, `canaries` in a text, `vertical` (split models), `auditing`,
which has planted `faults` to catch."""
