"""Each choice against its alternatives: on a corpus for `recommend rules measure`, on a dataset for `compare`.

- `corpus`: The datasets of a folder with a catalogue.
- `alternatives`: The alternatives of a choice that are admissible for a dataset.
- `prepare`: A dataset without its hold-out, and what the rules decide for it.
- `train`: Trainings of a choice and its alternatives with several seeds, and their scores on test rows.
- `searches`: Configurations and searches that are measured.
- `measure`: All trainings of a corpus, written to a file as they end.
- `cluster`: The same on the workers of a cluster.
- `compare`: Trainings of the choices of one slot on one dataset, for `recommend compare`.
- `comparison`: Their scores with paired intervals, and their curves.
- `comparison_page`: A comparison as one HTML page.
- `machine`: The speed of this machine, for `recommend plan --measure`.
- `plots`: Forest plots of a scorecard.
"""
