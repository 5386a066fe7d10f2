"""Hashes of byte strings to 64 bits, for many strings at once: FarmHash's fingerprint, and SipHash-2-4 with a key.

Strings of one length are hashed together, as columns of NumPy's uint64. Both are the rules of Keras's
`Hashing`, so bins are the same. References: G. Pike, "FarmHash", 2014 (the function `Fingerprint64`, which does not change any more);
J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", 2012.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["combine", "fingerprints", "keyed_hashes"]

Words = np.ndarray
"""uint64 numbers, one for each string; sums and products are modulo 2 ** 64."""

K0, K1, K2 = np.uint64(0xC3A5C85C97CB3127), np.uint64(0xB492B66FBE98F273), np.uint64(0x9AE16A3B2F90404F)
CAT = np.uint64(0xC6A4A7935BD1E995)


def fingerprints(strings: Sequence[bytes]) -> Words:
    """FarmHash's Fingerprint64 of each string.

    >>> fingerprints([b"", b"a"]).tolist() == [0x9AE16A3B2F90404F, 0xB3454265B6DF75E3]
    True
    """
    return _by_length(strings, _farm)


def keyed_hashes(strings: Sequence[bytes], key: tuple[int, int]) -> Words:
    """SipHash-2-4 of each string under a key of two 64-bit numbers.

    >>> [f"{v:x}" for v in keyed_hashes([bytes(range(15))], (0x0706050403020100, 0x0F0E0D0C0B0A0908)).tolist()]  # the paper's appendix A
    ['a129ca6149be45e5']
    """
    first, second = (np.uint64(k % 2**64) for k in key)
    return _by_length(strings, lambda s: _sip(s, first, second))


def combine(first: Words, second: Words) -> Words:
    """One hash of two, in their order: FarmHash's way to hash a pair."""
    mixed = (first ^ CAT) ^ (_shift_mix(second * CAT) * CAT)
    return _shift_mix(_shift_mix(mixed * CAT) * CAT)


def _by_length(strings: Sequence[bytes], hashed: Callable[[np.ndarray], Words]) -> Words:
    """What `hashed` makes of the strings of each length, shape (strings, length)."""
    lengths = np.fromiter(map(len, strings), np.int64, len(strings))
    letters, starts = np.frombuffer(b"".join(strings), np.uint8), np.cumsum(lengths) - lengths
    found = np.empty(len(strings), np.uint64)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        found[rows] = hashed(letters[starts[rows, None] + np.arange(length)])
    return found


def _word(s: np.ndarray, at: int, width: int = 8) -> Words:
    """The little-endian number of `width` bytes from a place on."""
    return np.ascontiguousarray(s[:, at : at + width]).view(f"<u{width}")[:, 0].astype(np.uint64)


def _rotate_right(v: Words, by: int) -> Words:
    return (v >> np.uint64(by)) | (v << np.uint64(64 - by))


def _rotate_left(v: Words, by: int) -> Words:
    return _rotate_right(v, 64 - by)


def _shift_mix(v: Words) -> Words:
    return v ^ (v >> np.uint64(47))


# --- FarmHash ---------------------------------------------------------------------------------------------------------


def _farm(s: np.ndarray) -> Words:
    """Fingerprint64 of strings of one length."""
    length = s.shape[1]
    rule = _farm_16 if length <= 16 else _farm_32 if length <= 32 else _farm_64 if length <= 64 else _farm_long
    return rule(s)


def _multiplier(length: int) -> np.uint64:
    return np.uint64((int(K2) + 2 * length) % 2**64)


def _mix(u: Words, v: Words, multiplier: np.uint64 | Words) -> Words:
    """Two numbers to one, by Murmur's steps."""
    a = _shift_mix((u ^ v) * multiplier)
    return _shift_mix((v ^ a) * multiplier) * multiplier


def _farm_16(s: np.ndarray) -> Words:
    count, length = s.shape
    by = _multiplier(length)
    if length >= 8:
        a, b = _word(s, 0) + K2, _word(s, length - 8)
        return _mix(_rotate_right(b, 37) * by + a, (_rotate_right(a, 25) + b) * by, by)
    if length >= 4:
        return _mix(np.uint64(length) + (_word(s, 0, 4) << np.uint64(3)), _word(s, length - 4, 4), by)
    if length == 0:
        return np.full(count, K2)
    first, middle, last = (s[:, i].astype(np.uint64) for i in (0, length >> 1, length - 1))
    y, z = first + (middle << np.uint64(8)), np.uint64(length) + (last << np.uint64(2))
    return _shift_mix((y * K2) ^ (z * K0)) * K2


def _farm_32(s: np.ndarray) -> Words:
    length = s.shape[1]
    by = _multiplier(length)
    a, b, c, d = _word(s, 0) * K1, _word(s, 8), _word(s, length - 8) * by, _word(s, length - 16) * K2
    return _mix(_rotate_right(a + b, 43) + _rotate_right(c, 30) + d, a + _rotate_right(b + K2, 18) + c, by)


def _farm_64(s: np.ndarray) -> Words:
    length = s.shape[1]
    by = _multiplier(length)
    a, b, c, d = _word(s, 0) * K2, _word(s, 8), _word(s, length - 8) * by, _word(s, length - 16) * K2
    y = _rotate_right(a + b, 43) + _rotate_right(c, 30) + d
    z = _mix(y, a + _rotate_right(b + K2, 18) + c, by)
    e, f = _word(s, 16) * by, _word(s, 24)
    g, h = (y + _word(s, length - 32)) * by, (z + _word(s, length - 24)) * by
    return _mix(_rotate_right(e + f, 43) + _rotate_right(g, 30) + h, e + _rotate_right(f + a, 18) + g, by)


def _weak(s: np.ndarray, at: int, a: Words, b: Words) -> tuple[Words, Words]:
    """32 bytes stirred into two seeds."""
    w, x, y, z = (_word(s, at + i) for i in (0, 8, 16, 24))
    a = a + w
    b, c = _rotate_right(b + a + z, 21), a
    a = a + x + y
    return a + z, b + _rotate_right(a, 44) + c


def _farm_long(s: np.ndarray) -> Words:
    """Blocks of 64 bytes into a state of seven numbers; the last block overlaps the one before."""
    count, length = s.shape
    zero = np.zeros(count, np.uint64)
    x, y = zero + np.uint64(81), zero + np.uint64((81 * int(K1) + 113) % 2**64)
    z = _shift_mix(y * K2 + np.uint64(113)) * K2
    x = x * K2 + _word(s, 0)
    v, w = (zero, zero), (zero, zero)
    end = (length - 1) // 64 * 64
    for at in range(0, end, 64):
        x, y, z, v, w = _block(s, at, x, y, z, v, w, K1, np.uint64(1))
    by = K1 + ((z & np.uint64(0xFF)) << np.uint64(1))
    first = w[0] + np.uint64((length - 1) & 63)
    v = (v[0] + first, v[1])
    w = (first + v[0], w[1])
    x, y, z, v, w = _block(s, length - 64, x, y, z, v, w, by, np.uint64(9))
    return _mix(_mix(v[0], w[0], by) + _shift_mix(y) * K0 + z, _mix(v[1], w[1], by) + x, by)


def _block(
    s: np.ndarray,
    at: int,
    x: Words,
    y: Words,
    z: Words,
    v: tuple[Words, Words],
    w: tuple[Words, Words],
    by: np.uint64 | Words,
    nine: np.uint64,
) -> tuple[Words, Words, Words, tuple[Words, Words], tuple[Words, Words]]:
    x = _rotate_right(x + y + v[0] + _word(s, at + 8), 37) * by
    y = _rotate_right(y + v[1] + _word(s, at + 48), 42) * by
    x = x ^ (w[1] * nine)
    y = y + v[0] * nine + _word(s, at + 40)
    z = _rotate_right(z + w[0], 33) * by
    v = _weak(s, at, v[1] * by, x + w[0])
    w = _weak(s, at + 32, z + w[1], y + _word(s, at + 16))
    return z, y, x, v, w


# --- SipHash ----------------------------------------------------------------------------------------------------------


def _sip(s: np.ndarray, first: np.uint64, second: np.uint64) -> Words:
    """SipHash-2-4 of strings of one length: words of 8 bytes, the last filled with zeros and the length."""
    count, length = s.shape
    padded = np.zeros((count, length // 8 * 8 + 8), np.uint8)
    padded[:, :length], padded[:, -1] = s, length % 256
    zero = np.zeros(count, np.uint64)
    state = [zero + (k ^ np.uint64(c)) for k, c in zip((first, second, first, second), _SIP, strict=True)]
    for at in range(0, padded.shape[1], 8):
        message = _word(padded, at)
        state[3] = state[3] ^ message
        state = _sip_round(_sip_round(state))
        state[0] = state[0] ^ message
    state[2] = state[2] ^ np.uint64(0xFF)
    for _ in range(4):
        state = _sip_round(state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


_SIP = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
"""The paper's constants: "somepseudorandomlygeneratedbytes"."""


def _sip_round(v: list[Words]) -> list[Words]:
    a, b, c, d = v
    a, c = a + b, c + d
    b, d = _rotate_left(b, 13) ^ a, _rotate_left(d, 16) ^ c
    a = _rotate_left(a, 32)
    c, a = c + b, a + d
    b, d = _rotate_left(b, 17) ^ c, _rotate_left(d, 21) ^ a
    return [a, b, _rotate_left(c, 32), d]
