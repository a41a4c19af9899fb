"""The commitment of an entry at the speed at which entries arrive: one pattern instead of a JSON reader.

A leaf has one spelling (`leaf`), so a pattern over its bytes says the same as reading it strictly, twenty times as fast.
What the pattern does not know goes to `leaf.parse_leaf`, which says what is wrong with it; the test holds both against
each other.
"""

from __future__ import annotations

import re
from functools import lru_cache

from endcredits.receipts.leaf import VERSION, is_utc, parse_leaf

_LEAF = re.compile(
    rb'\{"commit":"([0-9a-f]{64})","subject":"[0-9a-f]{64}",'
    rb'"time":"([0-9TZ:-]{20})","type":"[a-z0-9][a-z0-9._-]{0,63}","v":%d\}' % VERSION
)
_is_utc = lru_cache(maxsize=4096)(is_utc)


def commit_of(data: bytes) -> bytes:
    """The commitment of an entry, 32 bytes.

    Raises:
        InputError: the entry is not a leaf.
    """
    match = _LEAF.fullmatch(data)
    if match is not None and _is_utc(match[2].decode()):
        return bytes.fromhex(match[1].decode())
    return bytes.fromhex(parse_leaf(data).commit)
