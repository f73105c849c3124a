"""The verb `recommend rules`, and what all commands share."""
