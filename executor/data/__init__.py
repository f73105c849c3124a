"""Raw rows: read, made regular, windowed and split."""
