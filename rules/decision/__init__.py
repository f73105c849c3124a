"""From facts and a proved rulebook to decisions, with their trace and record."""
