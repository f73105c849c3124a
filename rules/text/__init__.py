"""Text files, templates, and how counts and names are written."""
