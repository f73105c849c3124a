"""Reading, writing and wording of text.

- `wording`: Counts, lists and names from the data in messages.
- `numbers`: Numbers and quantities as text.
- `html`: Small HTML tables for notebooks.
- `templating`: Jinja templates of documents.
- `yaml_document`: YAML with the line and column of each value.
- `text_file`: Reads text files of bounded size, in UTF-8.
- `regular_file`: Opens regular files only; refuses pipes, devices and sockets.
- `files`: Writes files completely or not at all, and never over an input.
- `temporary`: Temporary files and folders, and removal of those of ended processes.
"""
