"""Where the keys of a TOML text stand, so that a fault can be shown with its line."""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
_PART = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")


def line_of(text: str, path: Path) -> int | None:
    """The line of the key, or of the table around it that is written as one; None where it is not there at all.

    Keys inside a table on one line stand where that line is.
    """
    best, found = 0, None
    for number, key in _keys(text):
        same = len(key) if path[: len(key)] == key else 0
        if same > best:
            best, found = same, number
    return found


def named(path: Path) -> str:
    """The key as a person writes it, such as `evidence[2].members.ipAddress`: items of lists counted from 1."""
    made = ""
    for part in path:
        made += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if made else part
    return made


def _keys(text: str) -> list[tuple[int, Path]]:
    found: list[tuple[int, Path]] = []
    around: Path = ()
    counts: dict[Path, int] = {}
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        if inside:  # of a text over several lines
            inside = "" if inside in line else inside
            continue
        header = _HEADER.fullmatch(line)
        if header is not None:
            plain = _parts(header[2])
            if header[1] == "[[":
                counts[plain] = counts.get(plain, -1) + 1
            around = _counted(plain, counts)
            found.append((number, around))
        elif (key := _KEY.match(line)) is not None:
            found.append((number, around + _parts(key[1])))
            for quotes in ('"""', "'''"):
                if line.count(quotes) % 2:
                    inside = quotes
    return found


def _parts(key: str) -> Path:
    return tuple(next(part for part in match if part is not None) for match in (one.groups() for one in _PART.finditer(key)))


def _counted(plain: Path, counts: dict[Path, int]) -> Path:
    """A path with the number of every list of tables behind its name."""
    made: Path = ()
    for length, part in enumerate(plain, 1):
        made += (part,)
        if plain[:length] in counts:
            made += (counts[plain[:length]],)
    return made
