"""Continuation of a run with new rows.

- `continue_run`: `continue_run()`: the model of a run, trained further on new rows.
- `prepare`: The new rows, checked against the signature of the model, and the directory of the new run.
- `fine_tune`: The training, at a low learning rate.
- `forgetting`: Scores before and after, also on the hold-out of the parent run, and drift of the new rows.
"""
