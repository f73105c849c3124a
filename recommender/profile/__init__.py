"""The profile of a dataset: measured characteristics and checks.

- `measure`: Measures a dataset: characteristics, checks, and the facts for rules.
- `profile`: The profile: numbers, columns and checks.
- `characteristic`: One measured number with its unit and interval.
- `measurements`: Characteristics of rows, features, targets and time order, from queries.
- `characteristics`: The measurements, one module per subject.
- `guardrails`: The checks of the data, one module per subject.
- `known_split`: What is known about the split before it is made.
- `whole`: Measurements of all rows of large files, of which the dataset has a sample.
- `facts`: The facts that rules read, from a profile.
"""
