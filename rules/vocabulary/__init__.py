"""The vocabulary of rules: facts that they read, and choices that they make.

- `facts`: Each fact's meaning, unit and domain; tasks and modalities.
- `column_kind`: How a column is read: numeric, categorical, text, ….
- `condition`: A test of one fact, `fact op constant`, and its margin.
- `choices`: The choices of each slot.
- `bundle`: One choice for each slot, and the file bundle.yaml.
"""
