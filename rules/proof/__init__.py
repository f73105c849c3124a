"""The proof that a rulebook decides for every dataset."""
