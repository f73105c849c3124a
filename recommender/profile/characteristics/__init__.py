"""Measurements of a dataset, each a pure function of a table in DuckDB or of numbers.

- `target`: Classes of a target, or its shape and outliers.
- `features`: Empty and duplicate rows, outliers, and features that determine the target.
- `drift`: Distance between the columns of two parts of a table, and its distribution under chance.
- `comparing`: Distance between all features of two parts of a dataset.
- `entity`: A column that identifies the entity of a row: a patient, a speaker, a machine.
- `series`: Series of a forecast: number, length, step, gaps, trend, season and horizon.
- `seasons`: The season of a series and its strength.
- `steps`: Sequences: steps, channels or letters.
- `images`: Images: size, colours, intensities, duplicates and mirror images.
"""
