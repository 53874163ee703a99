"""`$search`: its text to a condition, and the words that a text is made of.

A word is a run of letters and digits, folded; everything else parts words, and so does every character of a script that is
written without blanks. What is searched for is cut the same way: `10.0.0.5` finds the four numbers one behind the other.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from secgraph.errors import BadOption
from secgraph.model.edm import StructType, load
from secgraph.odata.query import All, Either, Found, Not, Test, fold

LONGEST = 1024
"""Most characters of a search."""

DEEPEST = 20
"""Most brackets and NOTs inside each other."""

MOST = 50
"""Most words and phrases of a search."""

UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
"""Scripts that are written without blanks."""

WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<phrase>"(?:[^"\\]|\\.)*+")
    | (?P<quoted>'(?:[^']|'')*+'(?=[\s()]|\Z))
    | (?P<mark>[()])
    | (?P<word>[^\s()"]+)
    )""",
    re.VERBOSE,
)


APART = "\ue000"
"""What stands between two texts of an index, so that no phrase reaches from one into the next. In a text it parts words like
any mark.
"""

_WORD_OR_END = re.compile(rf"{WORD.pattern}|{APART}")

_MARK = "\x00"
"""Stands for APART while a text is still plain ASCII. No text that is stored holds it."""

# What becomes of each character of ASCII: a letter is folded, all but letters, digits and the mark part words.
_ASCII = "".join(one.lower() if one.isalnum() or one == _MARK else " " for one in map(chr, range(128)))


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    if text.isascii() and _MARK not in text:  # the same at a quarter of the cost
        return text.translate(_ASCII).split()
    return WORD.findall(fold(text))


@lru_cache(1024)
def _parts(tag: str, kind: StructType) -> tuple[tuple[str, StructType | None], ...]:
    """The members that hold texts (None) or objects in which texts may be (their type), of the type that an `@odata.type`
    names, or else of this one.
    """
    named = load().types.get(tag.lstrip("#"))
    actual = named if isinstance(named, StructType) else kind
    return tuple(
        (name, member.type if isinstance(member.type, StructType) else None)
        for name, member in actual.properties.items()
        if not member.navigation and (isinstance(member.type, StructType) or member.type.name == "Edm.String")
    )


def _gather(value: Any, kind: StructType | None, found: list[str]) -> None:
    """Adds every text inside a value: texts by themselves, and those of an object; enum members and type names are none."""
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, list):
        for item in value:
            _gather(item, kind, found)
    elif isinstance(value, dict) and kind is not None:
        get = value.get
        tag = get("@odata.type")
        for name, inner in _parts(tag if isinstance(tag, str) else "", kind):
            held = get(name)
            if not held:
                continue
            if isinstance(held, str):
                found.append(held)
            else:
                _gather(held, inner, found)


@cache
def _searched(of: str) -> tuple[tuple[str, StructType | None], ...]:
    one = load().sets[of]
    kinds = ((name, one.type.properties[name].type) for name in one.choices.search)
    return tuple((name, kind if isinstance(kind, StructType) else None) for name, kind in kinds)


def searchable(record: dict[str, Any], of: str) -> list[str]:
    """The texts of a record of a set that `$search` looks into."""
    found: list[str] = []
    for name, kind in _searched(of):
        if held := record.get(name):
            _gather(held, kind, found)
    return found


def indexed(record: dict[str, Any], of: str) -> str:
    """Every word of a record that `$search` can find, blanks between them, and a mark between two texts."""
    texts = searchable(record, of)
    whole = f" {_MARK} ".join(texts)
    if whole.isascii() and whole.count(_MARK) == max(len(texts) - 1, 0):
        return " ".join(whole.translate(_ASCII).split()).replace(_MARK, APART)
    return " ".join(_WORD_OR_END.findall(fold(APART.join(text.replace(APART, " ") for text in texts))))


def holds(record: dict[str, Any], of: str, wanted: tuple[str, ...]) -> bool:
    """Whether some searchable text of the record holds these words, one behind the other."""
    length = len(wanted)
    for text in searchable(record, of):
        found = words(text)
        if any(tuple(found[at : at + length]) == wanted for at in range(len(found) - length + 1)):
            return True
    return False


def condition(text: str, of: str) -> Test:
    """What a `$search` asks for: words and "phrases", AND (or a blank), OR, NOT and brackets. BadOption when nothing is asked.

    AND binds tighter than OR. An operator that has nothing to join is a word.
    """
    if len(text) > LONGEST:
        raise _refuse(f"has {len(text)} characters; at most {LONGEST} are read.")
    return _Reader(text, of).whole()


def _refuse(reason: str) -> BadOption:
    return BadOption("$search", reason, hint='Write words or "phrases", joined by AND, OR and NOT.')


class _Reader:
    def __init__(self, text: str, of: str) -> None:
        self.of = of
        self.tokens: list[tuple[str, str]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None or match.end() == at:
                raise _refuse(f"cannot be read at position {at + 1}: a phrase ends in a double quote.")
            kind = str(match.lastgroup)
            self.tokens.append((kind, match[kind]))
            at = match.end()
        self.place = 0
        self.depth = 0
        self.terms = 0

    def whole(self) -> Test:
        if not self.tokens:
            raise _refuse("is empty.")
        found = self._either()
        if self.place < len(self.tokens):
            raise _refuse("has a bracket too many.")
        return found

    def _word(self, ahead: int = 0) -> str:
        """The word that comes next; empty for anything else."""
        at = self.place + ahead
        return self.tokens[at][1] if at < len(self.tokens) and self.tokens[at][0] == "word" else ""

    def _operand_at(self, ahead: int) -> bool:
        at = self.place + ahead
        return at < len(self.tokens) and self.tokens[at][1] != ")"

    def _either(self) -> Test:
        parts = [self._all()]
        while self._word() == "OR" and self._operand_at(1):
            self.place += 1
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all(self) -> Test:
        parts = [self._term()]
        while self._operand_at(0) and not (self._word() == "OR" and self._operand_at(1)):
            if self._word() == "AND" and self._operand_at(1):
                self.place += 1
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _term(self) -> Test:
        self.depth += 1
        if self.depth > DEEPEST:
            raise _refuse(f"has more than {DEEPEST} levels inside each other.")
        try:
            if self._word() == "NOT" and self._operand_at(1):
                self.place += 1
                return Not(self._term())
            if not self._operand_at(0):
                raise _refuse("ends where a word is expected.")
            kind, text = self.tokens[self.place]
            self.place += 1
            if text == "(":
                inner = self._either()
                if self.place >= len(self.tokens):
                    raise _refuse("lacks a closing bracket.")
                self.place += 1
                return inner
            return self._found(kind, text)
        finally:
            self.depth -= 1

    def _found(self, kind: str, text: str) -> Test:
        self.terms += 1
        if self.terms > MOST:
            raise _refuse(f"has more than {MOST} words.")
        inside = text[1:-1] if kind in {"phrase", "quoted"} else text
        wanted = tuple(words(re.sub(r"\\(.)", r"\1", inside) if kind == "phrase" else inside))
        if not wanted:
            raise _refuse(f"looks for {text[:40]!r}, in which there is neither a letter nor a digit.")
        return Found(wanted, self.of)
