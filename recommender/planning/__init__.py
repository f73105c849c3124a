"""The plan of a training: what `recommend train` would do, by the cost model, without TensorFlow.

- `training_plan`: The values of a plan.
- `stages`: Seconds of each stage, memory and disk, for one speed of the machine.
- `training_memory`: Whether the rows of a training are in memory, or streamed from disk.
- `make_plan`: The plan of a dataset, with intervals and the next larger budgets.
- `reductions`: What a time limit leaves out, and the limit that it needs.
- `cluster_address`: The address of a cluster.
- `ray_connection`: A connection to a Ray cluster, and the number of its workers.
- `show_plan`: The plan on a terminal.
"""
