"""Records of a search on disk.

- `proposal`: A trial that an oracle proposes.
- `outcome`: The outcome of a trial.
- `journal`: trials.jsonl, from which a search resumes.
- `weights`: Weights of trials.
- `lock`: The lock of a run directory.
"""
