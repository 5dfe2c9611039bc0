"""Damage to bytes and texts: what a broken disk, another program, or somebody with bad intent may leave."""

from __future__ import annotations

import random
import re

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb"[A-Za-z_]{2,}")
_ODD_NUMBERS = (
    *(b"0", b"-1", b"1", b"NaN", b"nan", b".nan", b"Infinity", b"-inf", b"1e999", b"1e308", b"-1e300", b"1e-320"),
    *(b"9" * 19, b"9" * 400, b"2147483648", b"-2147483649", b"4294967296", b"0.5", b"1_000", b"true", b"null", b'"7"'),
)
_ODD_VALUES = (
    *(b"[]", b"{}", b'""', b"null", b"true", b"[[1, 2], [3]]", b'{"a": 1}', b"[null]", b"!!python/none x", b"*x"),
    *(b"[" * 200, b'{"a":' * 100, b"&x [*x]", b'"\\ud800"', b"\xff\xfe", b"\x00", b"~", b"\n", b"\t", b"{", b"}", b","),
)
_ODD_WORDS = (b"", b"pretrained", b"one-stage", b"ibug68", b"x" * 300, b"\x1b[31m", b"../../etc", b"__class__", b"[/b]")
_BYTES = (0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x22, 0x2C, 0x5B, 0x7B)


def damaged(data: bytes, draw: random.Random, text: bool) -> bytes:
    """``data`` after one to four pieces of damage; ``text``: as to a text with numbers and words."""
    for _ in range(draw.choice((1, 1, 1, 2, 2, 3, 4))):
        kinds = (_number, _value, _word, _lines, _cut, _byte, _span) if text else (_byte, _byte, _span, _cut, _length)
        data = draw.choice(kinds)(data, draw)
    return data


def _number(data: bytes, draw: random.Random) -> bytes:
    return _replaced(data, _NUMBER, _ODD_NUMBERS, draw)


def _value(data: bytes, draw: random.Random) -> bytes:
    return _replaced(data, _NUMBER if draw.random() < 0.7 else _WORD, _ODD_VALUES, draw)


def _word(data: bytes, draw: random.Random) -> bytes:
    return _replaced(data, _WORD, _ODD_WORDS, draw)


def _replaced(data: bytes, pattern: re.Pattern[bytes], by: tuple[bytes, ...], draw: random.Random) -> bytes:
    start = draw.randrange(len(data) + 1)
    found = pattern.search(data, start) or pattern.search(data)
    return data if found is None else data[: found.start()] + draw.choice(by) + data[found.end() :]


def _lines(data: bytes, draw: random.Random) -> bytes:
    """A line less, twice, many times, or elsewhere."""
    lines = data.split(b"\n")
    i, j = draw.randrange(len(lines)), draw.randrange(len(lines))
    line = lines.pop(i)
    lines[j:j] = [line] * draw.choice((0, 1, 2, 50))
    return b"\n".join(lines)


def _cut(data: bytes, draw: random.Random) -> bytes:
    """Cut off, or with zeros from there on, as after a power cut."""
    place = draw.randrange(len(data) + 1)
    return data[:place] + draw.choice((b"", b"", bytes(len(data) - place)))


def _byte(data: bytes, draw: random.Random) -> bytes:
    if not data:
        return bytes([draw.choice(_BYTES)])
    # headers decide most
    place = draw.randrange(min(len(data), draw.choice((16, 64, 512, len(data)))))
    value = draw.choice((*_BYTES, data[place] ^ 1 << draw.randrange(8), draw.randrange(256)))
    return data[:place] + bytes([value]) + data[place + 1 :]


def _span(data: bytes, draw: random.Random) -> bytes:
    """A piece less, twice, or overwritten by another."""
    a, b = sorted(draw.randrange(len(data) + 1) for _ in range(2))
    b = min(b, a + draw.choice((4, 64, 1000)))
    c = draw.randrange(len(data) + 1)
    return data[:a] + draw.choice((b"", data[a:b] * 2, data[c : c + b - a])) + data[b:]


def _length(data: bytes, draw: random.Random) -> bytes:
    """Four or eight bytes that may be a length, large."""
    place, size = draw.randrange(min(len(data), 200) + 1), draw.choice((2, 4, 8))
    value = draw.choice((2**15, 2**31 - 1, 2**16 + 1, 2**24, 65_500, 2**33)) % 2 ** (8 * size)
    return data[:place] + value.to_bytes(size, draw.choice(("little", "big"))) + data[place + size :]
