"""A recommendation: from a profile and a rulebook to a bundle.

- `recommend`: `recommend()`: reads a dataset, measures it, and decides.
- `recommendation`: `Recommendation`: bundle, decisions, profile and record.
- `training_work`: Seconds of a training by the cost model, for each size that a time limit may require.
- `trial_budget`: The number of trials that a time budget allows.
- `search_space`: The search space of the user, parsed and pinned.
- `training_facts`: Facts that a finished training measured.
- `bundle_pins`: A bundle that the user passes, as pins.
- `bundle_guardrails`: Checks of a bundle against the dataset.
- `target_constraints`: Constraints of a metric and a loss on the values of the target.
- `reasons`: The reason for each choice, in words.
- `render`: A recommendation on a terminal.
"""
