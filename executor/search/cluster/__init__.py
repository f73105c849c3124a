"""Trials on the workers of a cluster; oracle, journal and clock stay in the process of the search.

- `runner`: Runs the trials of a round as tasks, and keeps what they return.
- `planning`: Which trials share a task.
- `task`: A task and its result.
- `entry`: The function that a worker calls.
- `control`: What tasks ask the search for while they run: their time limit, and whether to stop.
- `worker`: Runs a task in the process of a worker.
"""
