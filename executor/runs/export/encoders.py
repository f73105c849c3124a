"""Encoders: raw columns as float arrays, in NumPy, equal to the preprocessing layers of the saved model.

An encoder reads columns by name: float64 with NaN for missing numbers and times (seconds since 1970), str objects with
"" for missing words, (rows, height, width, channels) uint8 images, (rows, steps, channels) float32 sequences with NaN
after their end. Each returns (rows, width) float32, int32 ids, or both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from executor.layers.constants import CLIP, FARTHEST_NUMBER, HASHES, PERIODS, UNKNOWN
from executor.layers.convolutions import FARTHEST, Kernels, exceeding_shares
from executor.runs.export.farm_hash import fingerprints
from executor.runs.export.tokens import bigrams, letter_grams, split_tokens, split_words
from rules.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_VALUES: Final = 2**28  # numbers per row; as in executor.model.keras_file

Encoded = tuple[np.ndarray | None, np.ndarray | None]
"""Float features and ids of some rows."""


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """One encoder, and the columns that it reads.

    config: as in encoding.json. width: float features; ids: ids per row.
    """

    columns: tuple[str, ...]
    config: Mapping[str, Any]
    encode: Callable[[Mapping[str, np.ndarray]], Encoded]


def create_encoder(config: Mapping[str, Any]) -> Encoder:
    """Create an encoder from its entry in encoding.json. Raises RunError if the entry is not valid."""
    try:
        columns = [str(name) for name in config["columns"]]
        encode = KINDS[config["kind"]](config, columns)
        first = columns[0]
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise RunError(
            f"An encoder in encoding.json is not valid ({type(error).__name__}: {error}). Export the run again."
        ) from None
    return Encoder(columns=(first, *columns[1:]), config=config, encode=encode)


def _stack(features: Mapping[str, np.ndarray], columns: Sequence[str]) -> np.ndarray:
    return np.column_stack([features[name] for name in columns])


def _floats(values: Any, width: int | None = None, kind: type = np.float64) -> np.ndarray:  # noqa: ANN401  of JSON
    found: np.ndarray = np.asarray(values, kind)
    if found.ndim != 1 or (width is not None and len(found) != width):
        raise ValueError(f"a list of {'numbers' if width is None else f'{width} numbers'} is needed")
    return found


def _places(values: Any, limit: int) -> np.ndarray:  # noqa: ANN401  of JSON
    found = np.asarray(values, np.int64)
    if found.ndim != 1 or (len(found) and not 0 <= found.min() <= found.max() < limit):
        raise ValueError(f"indices below {limit} are needed")
    return found


def _size(value: Any) -> int:  # noqa: ANN401  of JSON
    if not isinstance(value, int) or not 0 < value <= MAX_VALUES:
        raise ValueError(f"a size must be from 1 to {MAX_VALUES}, but is {value!r}")
    return value


def _numbers(config: Mapping[str, Any], columns: list[str]) -> Callable[[Mapping[str, np.ndarray]], Encoded]:
    width = len(columns)
    center, factor = _floats(config["center"], width), _floats(config["factor"], width)
    indicators, ranked = _places(config["indicators"], width), _places(config["ranked"], width)
    knots, quantiles = (
        [_floats(own) for own in config[name]] for name in ("knots", "quantiles")
    )  # one list per ranked column
    if not len(ranked) == len(knots) == len(quantiles):
        raise ValueError("each ranked column needs its knots and quantiles")
    edges = [_floats(own, kind=np.float32) for own in config["edges"]]
    means = _floats(config["means"], kind=np.float32)
    binned = np.repeat(np.arange(len(edges)), [max(0, len(own) - 1) for own in edges])
    if len(binned) != len(means) or len(edges) not in {0, width}:
        raise ValueError("each bin needs its mean")
    low, high = (np.concatenate([own[part] for own in edges]) if edges else means for part in _INNER)

    def encode(features: Mapping[str, np.ndarray]) -> Encoded:
        raw = _stack(features, columns)
        missing = np.isnan(raw)
        with np.errstate(invalid="ignore", over="ignore"):
            far = np.clip((raw - center) * factor, -FARTHEST_NUMBER, FARTHEST_NUMBER)
        bounded = far / np.sqrt(1 + np.square(far / CLIP))
        for place, own, become in zip(ranked, knots, quantiles, strict=True):
            bounded[:, place] = _quantiles(raw[:, place], own, become)
        scaled = np.where(np.isnan(bounded), 0, bounded).astype(np.float32)
        parts = [scaled, missing[:, indicators].astype(np.float32)]
        if len(binned):
            parts.append(np.clip((scaled[:, binned] - low) / (high - low), 0, 1) - means)
        return np.hstack(parts), None

    return encode


_INNER: Final = (slice(None, -1), slice(1, None))  # lower and upper edges of bins


def _quantiles(values: np.ndarray, knots: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Normal quantiles of the ranks of a column, linear between knots and constant beyond; NaN stays."""
    known = np.where(np.isnan(values), 0, values)
    before = np.clip(np.searchsorted(knots, known, side="right") - 1, 0, len(knots) - 2)
    low, high = knots[before], knots[before + 1]
    start, end = quantiles[before], quantiles[before + 1]
    width = high - low
    share = np.clip(np.divide(known - low, width, out=np.zeros_like(known), where=width != 0), 0, 1)
    return np.where(np.isnan(values), values, start + share * (end - start))


def _calendar(config: Mapping[str, Any], columns: list[str]) -> Callable[[Mapping[str, np.ndarray]], Encoded]:
    kept = _places(config["waves"], len(columns) * 2 * len(PERIODS))

    def encode(features: Mapping[str, np.ndarray]) -> Encoded:
        seconds = _stack(features, columns)
        angles = np.stack([np.mod(seconds, period) / period for period in PERIODS], axis=2) * (2 * math.pi)
        waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=2).reshape(len(seconds), -1)[:, kept]
        return np.where(np.isnan(waves), 0, waves).astype(np.float32), None

    return encode


def _categories(config: Mapping[str, Any], columns: list[str]) -> tuple[list[dict[str, int]], list[int], int]:
    """Id of each category by column, the id of other categories of each column, and the number of ids."""
    tables: list[dict[str, int]] = []
    others: list[int] = []
    place = 0
    for own, has_other, _ in zip(config["categories"], config["has_other"], columns, strict=True):
        tables.append({str(name): place + number for number, name in enumerate(own)})
        place += len(own) + bool(has_other)
        others.append(place - 1 if has_other else UNKNOWN)
    return tables, others, place


def _ids(
    features: Mapping[str, np.ndarray], columns: list[str], tables: list[dict[str, int]], others: list[int]
) -> Any:  # noqa: ANN401
    found = np.empty((len(features[columns[0]]), len(columns)), np.int32)
    for at, (name, table, other) in enumerate(zip(columns, tables, others, strict=True)):
        found[:, at] = [table.get(value, other) for value in features[name]]
    return found


def _one_hot(config: Mapping[str, Any], columns: list[str]) -> Callable[[Mapping[str, np.ndarray]], Encoded]:
    tables, others, width = _categories(config, columns)

    def encode(features: Mapping[str, np.ndarray]) -> Encoded:
        ids = _ids(features, columns, tables, others)
        spread = np.zeros((len(ids), width + 1), np.float32)
        np.put_along_axis(spread, np.where(ids == UNKNOWN, width, ids), 1, axis=1)
        return spread[:, :width], None

    return encode


def _codes(config: Mapping[str, Any], columns: list[str]) -> Callable[[Mapping[str, np.ndarray]], Encoded]:
    tables, others, _ = _categories(config, columns)
    return lambda features: (None, _ids(features, columns, tables, others))


def _word_bag(config: Mapping[str, Any], columns: list[str]) -> Callable[[Mapping[str, np.ndarray]], Encoded]:
    weights = np.asarray(config["weights"], np.float32)
    if weights.ndim != 2 or len(weights) != len(columns) or not weights.size:  # noqa: PLR2004  columns and buckets
        raise ValueError("each column needs the weights of its buckets")
    buckets = weights.shape[1]

    def encode(features: Mapping[str, np.ndarray]) -> Encoded:
        texts = _stack(features, columns).ravel()
        words = [split_words(text) for text in texts]
        rows = np.repeat(np.arange(len(texts)), [len(own) for own in words])
        hashed = fingerprints([word for own in words for word in own]) % np.uint64(buckets)
        places = rows * buckets + hashed.astype(np.int64)
        counts = np.bincount(places, minlength=len(texts) * buckets).astype(np.float32)
        return np.log1p(counts).reshape(-1, weights.size) * weights.ravel(), None

    return encode


class _Terms:
    """Known terms by their hash; ids count from 1, and 0 is padding or unknown."""

    def __init__(self, config: Mapping[str, Any], columns: list[str]) -> None:
        self.columns = columns
        self.hashes = np.asarray(config["hashes"], np.int64)
        if self.hashes.ndim != 1 or not len(self.hashes):
            raise ValueError("a list of hashes is needed")
        self.length = _size(config["length"])
        self._order = np.argsort(self.hashes)
        self._known = self.hashes[self._order]

    def texts(self, features: Mapping[str, np.ndarray]) -> list[str]:
        """Texts of all columns of each row."""
        return ["\n".join(row) for row in zip(*(features[name] for name in self.columns), strict=True)]

    def ids(self, terms: list[list[str]]) -> list[np.ndarray]:
        """Ids of the terms of each row; 0 for unknown ones."""
        hashes = (fingerprints([term for own in terms for term in own]) % np.uint64(HASHES)).astype(np.int64)
        at = np.minimum(np.searchsorted(self._known, hashes), len(self._known) - 1)
        found = np.where(self._known[at] == hashes, self._order[at] + 1, 0)
        return np.split(found, np.cumsum([len(own) for own in terms])[:-1])


def _term_bag(config: Mapping[str, Any], columns: list[str]) -> Callable[[Mapping[str, np.ndarray]], Encoded]:
    terms, has_letters = _Terms(config, columns), bool(config["character_ngrams"])
    rarity = _floats(config["rarity"], kind=np.float32)
    if len(rarity) not in {0, len(terms.hashes)}:
        raise ValueError("each term needs its rarity")

    def encode(features: Mapping[str, np.ndarray]) -> Encoded:
        tokens = [split_tokens(text) for text in terms.texts(features)]
        kinds = [terms.ids([[*own, *bigrams(own)] for own in tokens])]
        if has_letters:
            kinds.append(terms.ids([letter_grams(own) for own in tokens]))
        weights = np.zeros((len(tokens), terms.length), np.float32)
        ids = np.zeros((len(tokens), terms.length), np.int32)
        for row, groups in enumerate(zip(*kinds, strict=True)):
            # Words and character n-grams are normalized separately.
            parts = [_weigh(group[group > 0], rarity) for group in groups]
            own, weight = (np.concatenate(each)[: terms.length] for each in zip(*parts, strict=True))
            ids[row, : len(own)], weights[row, : len(own)] = own, weight
        return weights, ids

    return encode


def _weigh(ids: np.ndarray, rarity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct ids in the order of their first place, and their weights."""
    own, first, times = np.unique(ids, return_index=True, return_counts=True)
    order = np.argsort(first)
    own, times = own[order], times[order].astype(np.float32)
    if not len(own):
        return own, times
    if not len(rarity):
        return own, times / times.sum()
    weights = (1 + np.log(times)) * rarity[own - 1]
    return own, weights / np.sqrt(np.square(weights).sum())


def _word_sequence(config: Mapping[str, Any], columns: list[str]) -> Callable[[Mapping[str, np.ndarray]], Encoded]:
    terms = _Terms(config, columns)
    unknown = len(terms.hashes) + 1

    def encode(features: Mapping[str, np.ndarray]) -> Encoded:
        tokens = [split_tokens(text) for text in terms.texts(features)]
        ids = np.zeros((len(tokens), terms.length), np.int32)
        for row, own in enumerate(terms.ids(tokens)):
            some = own[: terms.length]
            ids[row, : len(some)] = np.where(some > 0, some, unknown)
        return (ids > 0).astype(np.float32), ids

    return encode


def _pixels(config: Mapping[str, Any], columns: list[str]) -> Callable[[Mapping[str, np.ndarray]], Encoded]:
    height, width, channels = (_size(one) for one in config["shape"])
    mean, scale = (_floats(config[name], channels, np.float32) for name in ("mean", "scale"))
    values = _size(height * width * channels)

    def encode(features: Mapping[str, np.ndarray]) -> Encoded:
        images = np.asarray(features[columns[0]]).astype(np.float32)
        return ((images - mean) / scale).reshape(-1, values), None

    return encode


class _Steps:
    """Sequences as standardized numbers or one-hot letters, and a mask that is 1 before the end."""

    def __init__(self, config: Mapping[str, Any], columns: list[str]) -> None:
        (self.column,) = columns
        self.letters = {letter: place for place, letter in enumerate(str(config["letters"]))}
        self.mean = _floats(config["mean"], kind=np.float32)
        self.scale = _floats(config["scale"], len(self.mean), np.float32)
        self.channels = len(self.letters) or len(self.mean)
        if not self.channels:
            raise ValueError("a sequence needs channels or letters")

    def read(self, features: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Steps (rows, steps, channels), and lengths (rows,)."""
        values = features[self.column]
        if self.letters:
            lengths = np.array([len(value) for value in values], np.int64)
            steps = np.zeros((len(values), int(lengths.max(initial=1)), self.channels), np.float32)
            for row, value in enumerate(values):
                places = np.array([self.letters.get(letter, UNKNOWN) for letter in value], np.int64)
                known = np.flatnonzero(places >= 0)
                steps[row, known, places[known]] = 1
            return steps, lengths
        missing = np.isnan(values)
        is_step = ~missing.all(axis=2)
        last = values.shape[1] - is_step[:, ::-1].argmax(axis=1) if values.shape[1] else np.zeros(len(values), np.int64)
        numbers = (values.astype(np.float32) - self.mean) / self.scale
        return np.where(missing, np.float32(0), numbers), np.where(is_step.any(axis=1), last, 0)


def _steps(config: Mapping[str, Any], columns: list[str]) -> Callable[[Mapping[str, np.ndarray]], Encoded]:
    own, count = _Steps(config, columns), _size(config["steps"])
    _size(count * (own.channels + 1))

    def encode(features: Mapping[str, np.ndarray]) -> Encoded:
        numbers, lengths = own.read(features)
        some = min(count, numbers.shape[1])
        found = np.zeros((len(numbers), count, own.channels + 1), np.float32)
        found[:, :some, :-1] = numbers[:, :some]
        found[..., -1] = np.arange(count) < lengths[:, None]
        return found.reshape(len(found), -1), None

    return encode


def _mini_rocket(config: Mapping[str, Any], columns: list[str]) -> Callable[[Mapping[str, np.ndarray]], Encoded]:
    own = _Steps(config, columns)
    kernels = Kernels(
        dilations=[_size(dilation) for dilation in config["dilations"]],
        channels=[[_places(some, own.channels).tolist() for some in each] for each in config["channels_of"]],
        biases=[np.asarray(each, np.float32) for each in config["biases"]],
    )
    center = _floats(config["center"], kernels.features, np.float32)
    spread = _floats(config["spread"], kernels.features, np.float32)

    def encode(features: Mapping[str, np.ndarray]) -> Encoded:
        numbers, lengths = own.read(features)
        shares = exceeding_shares(np.ascontiguousarray(numbers.transpose(0, 2, 1)), lengths, kernels)
        return np.clip((shares - center) / spread, -FARTHEST, FARTHEST), None

    return encode


KINDS: Final[Mapping[str, Callable[..., Callable[[Mapping[str, np.ndarray]], Encoded]]]] = {
    "numbers": _numbers,
    "calendar": _calendar,
    "one_hot": _one_hot,
    "codes": _codes,
    "word_bag": _word_bag,
    "term_bag": _term_bag,
    "word_sequence": _word_sequence,
    "pixels": _pixels,
    "steps": _steps,
    "mini_rocket": _mini_rocket,
}
"""Kinds of encoders by their name in encoding.json."""
