"""Configurations and searches that are measured.

- `configurations`: Random configurations, for the sensitivity to hyperparameters.
- `tuners`: Searches replayed over a table of configurations.
- `spaces`: Searches over the hyperparameters that a book and the handbook choose.
"""
