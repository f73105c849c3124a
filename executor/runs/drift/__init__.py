"""Drift of rows against the training rows of a run.

- `split_drift`: Guardrails with the drift between training rows and hold-out.
- `reference`: reference.json: distributions of the training rows and of the predictions on the hold-out.
- `new_rows`: Drift of new rows and of their predictions against the reference.
"""
