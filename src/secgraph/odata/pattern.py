r"""The regular expressions that `matchesPattern` takes: the subset that every executor reads alike.

Literal characters, `.`, classes in square brackets, `( )`, `|`, `* + ? {m,n}`, greedy or not, `^`, `$`, and `\` before a
mark, or `\d \w \s` and their opposites, which mean ASCII here. They are run by RE2, whose time grows with the text and not
with the pattern. What would mean something else elsewhere (back references, look-around, flags, `\b`) is refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

LONGEST = 512
"""Most characters of a pattern."""

MEMORY = 1 << 20
"""Bytes that a compiled pattern may take."""

_PIECE = re.compile(
    r"""(?P<bad>\\[0-9A-Za-z](?<!\\[dDwWsS])|\(\?(?!:)|\[\[:|\\\Z)
      | (?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])
      | (?P<piece>\\.|.)""",
    re.VERBOSE | re.DOTALL,
)
_BAD_IN_CLASS = re.compile(r"\\[0-9A-Za-z](?<!\\[dDwWsS])|\[[:.=]")


def refused(pattern: str) -> str:
    """Why a pattern is not taken; empty when it is."""
    if len(pattern) > LONGEST:
        return f"The pattern has {len(pattern)} characters; at most {LONGEST} are taken"
    for piece in _PIECE.finditer(pattern):
        bad = piece["bad"] or (_BAD_IN_CLASS.search(piece["class"], 1) if piece["class"] else None)
        if bad:
            return f"'{bad if isinstance(bad, str) else bad[0]}' is not read alike by every database"
    try:
        _compiled(pattern)
    except UnicodeEncodeError:
        return "The pattern holds half a character"
    except re2.error as fault:
        said = fault.args[0]
        return f"The pattern cannot be read: {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    return ""


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    return re2.compile(pattern, options)


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern matches somewhere in the text."""
    return _compiled(pattern).search(text) is not None
