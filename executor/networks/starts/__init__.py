"""Solutions of linear models at which networks start.

- `ridge_start`: Ridge regression as the start of a linear forecaster.
- `logistic_start`: Logistic or ridge regression as the start of a network of texts.
"""
