"""Explanations of a result: importance, learning curve, next steps."""
