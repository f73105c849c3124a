"""Rows for training steps, from memory or from a file.

- `rows`: Encoded rows on the device or on disk.
- `image_feed`: Batches of images.
- `row_windows`: The batches of an epoch, from all rows or from windows of rows on disk.
"""
