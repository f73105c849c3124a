"""The vocabulary of rules: facts that they read, and choices that they make.

- `costs`: Costs of predicted classes, by actual class.
- `facts`: Each fact's meaning, unit and domain; tasks and modalities.
- `direction`: Whether a larger or a smaller value of a metric is better.
- `column_kind`: Kinds of columns: numeric, categorical, text, datetime, identifier and others.
- `condition`: A test of one fact, `fact op constant`, and its margin.
- `choices`: The choices of each slot.
- `bundle`: One choice for each slot, and the file bundle.yaml.
- `aliases`: Former names of choices, parameters, facts and tasks.
"""
