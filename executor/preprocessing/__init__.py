"""Preprocessing that is fitted on training rows, and the encoded arrays.

- `fit`: Fits scales, categories, vocabularies and sequence statistics.
- `preprocessing`: The fitted layers, from raw rows to arrays.
- `encode`: Encodes the parts of a split.
- `examples`: The encoded arrays: inputs, targets and weights.
- `inputs`: Inputs by modality: table, images, sequences, texts or windows.
- `design_matrix`: The features as one matrix, for linear models.
- `target_scale`: Scale of a numeric target.
- `text_vocabulary`: Vocabulary of texts.
- `sequence_encoder`: Random features or steps of sequences.
- `feature_ridge`: Ridge regression as the start of a linear layer.
- `encoded_images`: Images as arrays of an encoded dataset.
"""
