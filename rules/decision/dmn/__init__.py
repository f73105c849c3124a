"""A rulebook in DMN 1.3, the Decision Model and Notation of the OMG.

- `document`: The XML document: inputs, decisions and their diagram.
- `rows`: Rows of a decision table in FEEL, also for unknown facts.
"""
