"""Who works against it: `inversion` of updates, `poisoning`, and `auditing`, which has planted `faults` to catch."""
