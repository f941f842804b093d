"""Pictures that answer: `explorers` with their `controls` and `views`; `plots`, `marks` and `scenes` that they draw."""
