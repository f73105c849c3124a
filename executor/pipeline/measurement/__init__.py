"""Measurement of rules: each choice against its alternatives on a corpus of datasets, for `recommend rules measure`.

- `corpus`: The datasets of a folder with a catalogue.
- `alternatives`: The alternatives of a choice that are admissible for a dataset.
- `prepare`: A dataset without its hold-out, and what the rules decide for it.
- `train`: Trainings of a choice and its alternatives with several seeds, and their scores on test rows.
- `measure`: All trainings of a corpus, written to a file as they end.
- `plots`: Forest plots of a scorecard.
"""
