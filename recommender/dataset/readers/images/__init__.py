"""Image files and folders of images.

- `image_files`: Image files as rows: folders named after classes, or a table with a column of paths.
- `pixels`: One image file: size and colours from its header, pixels at a given size.
- `decoding`: All image files as pixels of one size, in bounded memory.
- `file_names`: File name extensions of images.
"""
