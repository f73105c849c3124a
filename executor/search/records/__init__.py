"""Records of a search on disk.

- `proposal`: A trial that an oracle proposes.
- `outcome`: The outcome of a trial.
- `trials`: All trials of a search, ranked.
- `journal`: trials.jsonl, from which a search resumes.
- `weights`: Weights of trials.
- `lock`: The lock of a run directory.
"""
