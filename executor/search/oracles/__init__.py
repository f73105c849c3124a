"""Oracles that propose trials.

- `base`: What all oracles share.
- `fixed`: Grid, random search, and a list of configurations.
- `bayesian`: Bayesian optimization.
- `hyperband`: Hyperband.
"""
