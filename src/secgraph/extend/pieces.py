"""Pieces of records that products share: objects and lists that may be anything, accounts, paths, tactics, members to show."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from secgraph.errors import UsageError
from secgraph.extend.draft import Record
from secgraph.extend.reading import text

MOST = 10
"""Most of one kind of thing in a record that become evidence."""
ROOM = 1000
"""Most characters of native members shown, so that the limit of 2 KiB is not reached with ordinary text."""

TACTICS = {
    tactic.casefold(): tactic
    for tactic in (
        "Reconnaissance", "ResourceDevelopment", "InitialAccess", "Execution", "Persistence", "PrivilegeEscalation",
        "DefenseEvasion", "CredentialAccess", "Discovery", "LateralMovement", "Collection", "CommandAndControl",
        "Exfiltration", "Impact",
    )
}  # fmt: skip
"""The tactics of ATT&CK as they are printed in `category`, by the same word in lower case."""

HASHES = {32: "md5", 40: "sha1", 64: "sha256"}
"""Which digest a text of so many characters is."""

_NOT_LETTERS = re.compile(r"[^A-Za-z]+")
_WORDS = re.compile(r"[A-Za-z0-9]+")
_DIGEST = re.compile(r"[0-9A-Fa-f]{32,64}", re.ASCII)
_is_address = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?:%\w{1,32})?", re.ASCII).fullmatch
_LONGEST_ADDRESS = 80
_NOTHING: Record = {}
_YES, _NO = frozenset({"yes", "true", "on", "1"}), frozenset({"no", "false", "off", "0", ""})


def part(value: Any) -> Record:
    """The object; an empty one for anything else."""
    return value if isinstance(value, dict) else _NOTHING


def objects(value: Any, most: int = MOST) -> list[Record]:
    """The objects in a list, up to the most that is shown; one object counts as a list of one."""
    if isinstance(value, list):
        return [item for item in value[:most] if isinstance(item, dict)]
    return [value] if isinstance(value, dict) else []


def texts(value: Any, most: int = MOST) -> list[str]:
    """The texts in a list, up to the most that is shown; one text counts as a list of one."""
    if isinstance(value, list):
        return [found for item in value[:most] if (found := text(item)) is not None]
    found = text(value)
    return [] if found is None else [found]


def present(**members: Any) -> Record | None:
    """The members that are not None; None when there is none."""
    return {name: value for name, value in members.items() if value is not None} or None


def shown(named: Iterable[tuple[str, Any]]) -> Record:
    """Native members worth showing, as `additionalData`: texts and whole numbers, each name once, as long as they have room."""
    found: Record = {}
    room = ROOM
    for name, value in named:
        if value is None or (words := text(value)) is None:
            continue
        if name not in found and (size := len(name) + len(words)) <= room:
            found[name] = words
            room -= size
    return found


def tactic(word: Any) -> str | None:
    """A tactic as it is printed in `category`, such as `InitialAccess`; None for any other word."""
    return _tactic(word[:80]) if isinstance(word, str) else None


@lru_cache(1024)
def _tactic(word: str) -> str | None:
    return TACTICS.get(_NOT_LETTERS.sub("", word).casefold())


def pascal(words: Any) -> str | None:
    """Words as one: `Machine Learning` is `MachineLearning`. None for a text without any."""
    found = text(words)
    return None if found is None else _joined(found[:200])


@lru_cache(1024)
def _joined(words: str) -> str | None:
    return "".join([word[:1].upper() + word[1:] for word in _WORDS.findall(words)]) or None


def address(value: Any) -> str | None:
    """The text where it has the form of an IP address."""
    return value if isinstance(value, str) and len(value) <= _LONGEST_ADDRESS and _is_address(value) else None


def digest(value: Any) -> Record:
    """A hash under the name that its length tells; nothing for a text that is none."""
    if value.__class__ is str and len(value) in HASHES and _DIGEST.fullmatch(value) and value.strip("0"):
        return {HASHES[len(value)]: value}
    return {}


def account(user: str, domain: str | None = None) -> Record:
    r"""The account behind `DOMAIN\name`, a principal name, a display name with blanks, or a plain account name."""
    left, bar, right = user.partition("\\")
    if bar and right:
        return {"domainName": left, "accountName": right}
    if " " in user:
        found = {"displayName": user}
    elif "@" in user:
        found = {"userPrincipalName": user}
    else:
        found = {"accountName": user}
    return found if domain is None else found | {"domainName": domain}


def file_at(path: str | None, name: str | None = None) -> Record:
    r"""File name and folder of a path with slashes of either kind. `name` is the file's own where it is told apart: the path
    is its folder then, or ends in it.
    """
    if path is None:
        return file_at(name) if name is not None else {}
    cut = max(path.rfind("/"), path.rfind("\\"))
    folder, last = path[: max(cut, 0)], path[cut + 1 :]
    if name is not None:
        own = name[max(name.rfind("/"), name.rfind("\\")) + 1 :]
        if not own:
            return file_at(path)
        if last.casefold() != own.casefold():
            folder = path.rstrip("\\/")
        last = own
    found: Record = {"fileName": last} if last else {}
    if folder:
        found["filePath"] = folder
    return found


def yes(name: str, word: str) -> bool:
    """What an option of yes or no says; UsageError for any other word."""
    folded = word.strip().casefold()
    if folded not in _YES | _NO:
        raise UsageError(f"The option {name} is '{word[:40]}': say yes or no.")
    return folded in _YES


def names(option: str, words: str, known: Iterable[str]) -> frozenset[str]:
    """The names in an option that lists some, parted by commas; UsageError for one that is not known."""
    found = frozenset(word.strip().casefold() for word in words.split(",") if word.strip())
    if strange := sorted(found - set(known)):
        raise UsageError(f"The option {option} names '{strange[0][:40]}'; known: {', '.join(known)}.")
    return found
