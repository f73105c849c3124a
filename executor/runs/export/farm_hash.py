"""FarmHash fingerprints of strings, equal to those of TensorFlow.

The function is Fingerprint64 of Google's FarmHash (github.com/google/farmhash, MIT licence), which
`tf.strings.to_hash_bucket_fast` uses. All strings of a length are hashed at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

WORD: Final = 8  # bytes of an unsigned integer
BLOCK: Final = 64  # bytes that are mixed at once in longer strings
SEED: Final = np.uint64(81)
K0, K1, K2 = (np.uint64(one) for one in (0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F))


def fingerprints(strings: Sequence[str]) -> np.ndarray:
    """Hash strings as UTF-8, (strings,) uint64.

    >>> fingerprints(["", "a"]).tolist()
    [11160318154034397263, 12917804110809363939]
    """
    encoded = [string.encode("utf-8", "replace") for string in strings]
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
    found = np.empty(len(encoded), np.uint64)
    with np.errstate(over="ignore"):
        for length in np.unique(lengths).tolist():
            own = np.flatnonzero(lengths == length)
            raw = np.frombuffer(b"".join([encoded[place] for place in own]), np.uint8).reshape(len(own), length)
            found[own] = _hash(raw, length)
    return found


def _hash(raw: np.ndarray, length: int) -> np.ndarray:
    """Hash strings of one length; raw: (strings, length) uint8."""
    if length > BLOCK:
        return _hash_blocks(raw, length)
    size = np.uint64(length)
    mul = K2 + size * np.uint64(2)
    if length > 2 * WORD:
        return _hash_words(raw, length, mul)
    if length >= WORD:
        a, b = _at(raw, 0) + K2, _at(raw, length - WORD)
        return _mix(_rotate(b, 37) * mul + a, (_rotate(a, 25) + b) * mul, mul)
    half = WORD // 2
    if length >= half:
        return _mix(size + (_at(raw, 0, half) << np.uint64(3)), _at(raw, length - half, half), mul)
    if length > 0:
        first, middle, last = (raw[:, place].astype(np.uint64) for place in (0, length >> 1, length - 1))
        y, z = first + (middle << np.uint64(8)), size + (last << np.uint64(2))
        return _shift_mix(y * K2 ^ z * K0) * K2
    return np.full(len(raw), K2)


def _hash_words(raw: np.ndarray, length: int, mul: np.uint64) -> np.ndarray:
    """Hash strings of 17 to 64 bytes."""
    a, b = _at(raw, 0), _at(raw, WORD)
    c, d = _at(raw, length - WORD) * mul, _at(raw, length - 2 * WORD) * K2
    a = a * (K1 if length <= 4 * WORD else K2)
    y, rest = _rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + K2, 18) + c
    if length <= 4 * WORD:
        return _mix(y, rest, mul)
    z = _mix(y, rest, mul)
    e, f = _at(raw, 2 * WORD) * mul, _at(raw, 3 * WORD)
    g, h = (y + _at(raw, length - 4 * WORD)) * mul, (z + _at(raw, length - 3 * WORD)) * mul
    return _mix(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, mul)


def _hash_blocks(raw: np.ndarray, length: int) -> np.ndarray:
    """Hash strings of more than 64 bytes."""
    nothing = np.zeros(len(raw), np.uint64)
    x, y = nothing + SEED * K2 + _at(raw, 0), nothing + SEED * K1 + np.uint64(113)
    z = _shift_mix(y * K2 + np.uint64(113)) * K2
    v = w = (nothing, nothing)
    end, left = (length - 1) // BLOCK * BLOCK, np.uint64((length - 1) % BLOCK)
    for start in (*range(0, end, BLOCK), length - BLOCK):
        is_last = start == length - BLOCK
        mul = nothing + K1 + (((z & np.uint64(0xFF)) << np.uint64(1)) if is_last else nothing)
        nine = np.uint64(9 if is_last else 1)
        if is_last:
            w = (w[0] + left, w[1])
            v = (v[0] + w[0], v[1])
            w = (w[0] + v[0], w[1])
        x = _rotate(x + y + v[0] + _at(raw, start + 8), 37) * mul ^ w[1] * nine
        y = _rotate(y + v[1] + _at(raw, start + 48), 42) * mul + v[0] * nine + _at(raw, start + 40)
        z = _rotate(z + w[0], 33) * mul
        v = _weak_hash(raw, start, v[1] * mul, x + w[0])
        w = _weak_hash(raw, start + 32, z + w[1], y + _at(raw, start + 16))
        z, x = x, z
    return _mix(_mix(v[0], w[0], mul) + _shift_mix(y) * K0 + z, _mix(v[1], w[1], mul) + x, mul)


def _weak_hash(raw: np.ndarray, start: int, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    w, x, y, z = (_at(raw, start + WORD * place) for place in range(4))
    a = a + w
    b = _rotate(b + a + z, 21)
    whole = a + x + y
    return whole + z, b + _rotate(whole, 44) + a


def _at(raw: np.ndarray, start: int, size: int = WORD) -> np.ndarray:
    """Little-endian integers of some bytes at a place, (strings,) uint64."""
    found = np.ascontiguousarray(raw[:, start : start + size]).view(f"<u{size}")[:, 0]
    return np.asarray(found, np.uint64)


def _rotate(value: np.ndarray, by: int) -> np.ndarray:
    return np.asarray((value >> np.uint64(by)) | (value << np.uint64(64 - by)))


def _shift_mix(value: np.ndarray) -> np.ndarray:
    return np.asarray(value ^ (value >> np.uint64(47)))


def _mix(u: np.ndarray, v: np.ndarray, mul: np.ndarray | np.uint64) -> np.ndarray:
    return _shift_mix((v ^ _shift_mix((u ^ v) * mul)) * mul) * mul
