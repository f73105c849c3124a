"""The search: ask an oracle for trials, train them, report their scores.

- `search`: The loop over rounds of trials.
- `space`: The search space: hyperparameters and their ranges.
- `oracle`: The oracle of a bundle's tuner.
- `oracles`: Oracles, one per module.
- `runners`: Runners that train trials sequentially, stacked in one graph, or in parallel.
- `create_runner`: The runner of a search.
- `choose_devices`: The devices of a search, by measured steps.
- `cluster`: Trials as tasks on a cluster.
- `trial_groups`: Trials with another loss, optimizer, activation or augmentation.
- `fit_to_time`: The largest full training that fits into the time limit.
- `round_size`: Number of trials that train at once.
- `records`: Journal, weights and lock of a search.
- `progress`: Progress of a search and remaining time.
"""
