"""Model card and datasheet of a run as Markdown.

- `card`: The model card, the metadata of Hugging Face, and the datasheet.
- `templates`: Markdown templates.
"""
