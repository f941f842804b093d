"""Who works against it: `inversion`, `poisoning`, `canaries` in a text, and `auditing`, which has `faults` to catch."""
