"""Records of a search on disk.

- `proposal`: A trial that an oracle proposes.
- `outcome`: The outcome of a trial.
- `training_size`: Networks and epochs of a full training, as planned and as time allows.
- `trials`: All trials of a search, ranked.
- `journal`: trials.jsonl, from which a search resumes.
- `weights`: Weights of trials.
- `fitting_arrays`: Check that weights fit the network that takes them.
- `lock`: The lock of a run directory.
"""
