"""Questions to a decision that was made: of a run, of an audit record, or of a dataset."""
