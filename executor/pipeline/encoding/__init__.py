"""Encoding of the rows of a run.

- `encode_data`: The rows as networks read them.
- `sequence_features`: The number of random features of sequences that the time limit allows.
"""
