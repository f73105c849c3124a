"""The pipeline of a training.

- `train`: `train()` and `resume()`.
- `prepare`: The recommendation, the run directory and the plan, before anything is trained.
- `execute`: The stages of a run, in order.
- `finalize`: The final model and its evaluation on the hold-out.
"""
