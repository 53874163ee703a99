"""Text to tokens of the expression grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple, cast

from secgraph.errors import BadFilter
from secgraph.odata import literal

BINDS = {
    "or": 1, "and": 2, "eq": 3, "ne": 3, "lt": 4, "gt": 4, "le": 4, "ge": 4, "in": 5, "has": 5,
    "add": 6, "sub": 6, "mul": 7, "div": 7, "divby": 7, "mod": 7,
}  # fmt: skip
"""How tightly a word binds, from loose to tight (OData 4.01, part 2, section 5.1.1.16)."""

_NAME = rf"(?P<name>(?:[$@]|@\$)?{literal.NAME}(?:\#\w+)?)(?P<quoted>'(?:[^']|'')*')?"


def _tokens_before(marks: str) -> re.Pattern[str]:
    """The pattern of a token; behind an instant, a day or a time none of those marks may stand."""
    return re.compile(
        rf"""(?:
          (?P<text>{literal.TEXT})
        | (?P<json>{literal.JSON_TEXT})
        | (?P<moment>{literal.LIKE_A_MOMENT}(?![\w.{marks}]))
        | (?P<guid>{literal.GUID}(?![\w-]))
        | (?P<date>{literal.LIKE_A_DATE}(?![\w{marks}-]))
        | (?P<time>{literal.LIKE_A_TIME}(?![\w.{marks}-]))
        | (?P<number>{literal.NUMBER}(?![\w.]|-\d))
        | {_NAME}
        | (?P<mark>-)
        )""",
        re.VERBOSE | re.IGNORECASE,
    )


_TOKEN = _tokens_before(":")
_IN_CASE = _tokens_before("")
"""In case(...) a colon parts a condition from its value."""

_NAMED = re.compile(_NAME, re.IGNORECASE)
_PLAIN_MARKS = frozenset("(),/:+=[]{}")
"""Marks that begin nothing else; a minus before a digit may begin a date."""


class Token(NamedTuple):
    """A piece of the text. `quoted` is the text in quotes that follows a name at once, as in `duration'P1D'`."""

    kind: str
    value: str
    at: int
    quoted: str | None = None


_new = tuple.__new__  # half of what it costs to make a token by its name


@dataclass(slots=True)
class _Branch:
    """The branch of a case(...) that is being read."""

    parted: bool = False
    """Whether the colon between its condition and its value was met."""
    time: int = -1
    """The place of the last token that may be a time of day."""


def tokens(text: str) -> list[Token]:
    """The tokens, an `end` behind them; BadFilter with the place where the text cannot be read."""
    found: list[Token] = []
    around: list[_Branch | None] = [None]  # of each bracket around the present place: its branch where it is that of case(...)
    at, end = 0, len(text.rstrip())
    while at < end:
        letter = text[at]
        if letter.isspace():
            at += 1
            continue
        if letter in _PLAIN_MARKS or (letter == "-" and not text[at + 1 : at + 2].isdigit()):
            branch = around[-1]
            if letter in "([{":
                around.append(_Branch() if letter == "(" and found and found[-1].value.lower() == "case" else None)
            elif letter in ")]}":
                _end(branch, found)
                if len(around) > 1:
                    around.pop()
            elif branch is not None and letter in ":,":
                if letter == ",":
                    _end(branch, found)
                around[-1] = _Branch(parted=letter == ":")
            found.append(_new(Token, ("mark", letter, at, None)))
            at += 1
            continue
        # What begins with a letter is a name, or a GUID, which has a hyphen behind eight characters.
        usual = _TOKEN if around[-1] is None else _IN_CASE
        match = (_NAMED if letter.isalpha() and text[at + 8 : at + 9] != "-" else usual).match(text, at)
        if match is None:
            raise _unreadable(text, at)
        kind = cast("str", match.lastgroup)
        if kind != "quoted":
            if kind == "time" and around[-1] is not None:
                around[-1].time = len(found)
            found.append(_new(Token, (kind, match[kind], at, None)))
        elif match["name"].lower() in {*BINDS, "not"}:  # severity eq'high'
            found.append(Token("name", match["name"], at))
            found.append(Token("text", match["quoted"], match.start("quoted")))
        else:
            found.append(Token("name", match["name"], at, match["quoted"]))
        at = match.end()
    found.append(Token("end", "", end))
    return found


def _end(branch: _Branch | None, found: list[Token]) -> None:
    """In a branch without a colon, as in case(a gt 10:20), what looks like a time holds it."""
    if branch is None or branch.parted or branch.time < 0:
        return
    time = found[branch.time]
    before, _, after = time.value.rpartition(":")
    at = time.at + len(before)
    found[branch.time : branch.time + 1] = [
        Token("time" if ":" in before else "number", before, time.at), Token("mark", ":", at), Token("number", after, at + 1),
    ]  # fmt: skip


def _unreadable(text: str, at: int) -> BadFilter:
    if text[at] == "'":
        return BadFilter("A text without its closing quote", at=at, text=text,
                         hint="A quote inside a text is doubled: 'it''s'.")  # fmt: skip
    return BadFilter("This cannot be read", at=at, text=text)
