"""Makes the text of a `$search` on alerts, and beside it what it means: words in a row, in one text of the alert."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.properties.alerts import POOL, Record
from tests.properties.meaning import Condition, Scope, conjunction, disjunction, negation

HOLDING = {
    "remediationStatusDetails", "tags", "userAccount", "accountName", "userPrincipalName", "hostName", "loggedOnUsers", "imageFile", "fileName", "ipAddress",
    "location", "countryName", "cloudResource", "resourceId",
}  # fmt: skip
"""Members of the made-up evidence that are texts, or objects with texts in them."""


def words(text: str) -> list[str]:
    """Runs of letters and digits, folded; each character of a script without blanks is a word."""
    found, open_ = list[str](), False
    for letter in text.casefold():
        alone = any(first <= letter <= last for first, last in (("\u3040", "\u30ff"), ("\u3400", "\u9fff"), ("\uf900", "\ufaff"), ("\uac00", "\ud7af")))
        if not letter.isalnum():
            open_ = False
        elif open_ and not alone:
            found[-1] += letter
        else:
            found.append(letter)
            open_ = not alone
    return found


def texts(record: Record) -> list[str]:
    return [text for text in (record["title"], record["description"], *inside(record["evidence"])) if text]


def inside(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for one in value for text in inside(one)]
    return [text for name, one in (value or {}).items() if name in HOLDING for text in inside(one)]


def held(wanted: list[str]) -> Condition:
    def holds(scope: Scope) -> bool:
        return any(wanted == found[at : at + len(wanted)] for text in texts(scope[""]) for found in [words(text)] for at in range(len(found)))

    return Condition("", holds)


def term(chance: Random, records: list[Record]) -> Condition:
    """A word or a phrase, often one that a record holds."""
    known = [text for record in records for text in texts(record) if words(text)]
    if known and chance.randrange(4):
        found = words(known[chance.randrange(len(known))])
        at = chance.randrange(len(found))
        text = " ".join(found[at : at + chance.randrange(3) + 1])
        if chance.randrange(4) == 3:
            text = text.upper() if text.upper().casefold() == text else text
    else:
        text = [one for one in (*POOL, "and", "OR") if words(one)][chance.randrange(len(POOL) // 2)]
    wanted = words(text)
    spelled = text
    if not text.isalnum() or text in {"AND", "OR", "NOT"} or chance.randrange(4) == 3:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        spelled = f'"{escaped}"'
    return Condition(spelled, held(wanted).holds)


def searched(chance: Random, records: list[Record], depth: int = 2) -> Condition:
    """A search with AND, OR, NOT and brackets."""
    match chance.randrange(7) if depth else 0:
        case 3:
            inner = searched(chance, records, depth - 1)
            return Condition(f"NOT ({inner.text})", negation(inner).holds)
        case 4:
            parts = [searched(chance, records, depth - 1) for _ in range(2)]
            return Condition(f"({parts[0].text}) OR ({parts[1].text})", disjunction(parts).holds)
        case 5:
            parts = [searched(chance, records, depth - 1) for _ in range(2)]
            return Condition(f"({parts[0].text}){[' AND ', ' '][chance.randrange(2)]}({parts[1].text})", conjunction(parts).holds)
        case 6:  # AND binds tighter than OR
            one, two, three = (term(chance, records) for _ in range(3))
            return Condition(f"{one.text} OR {two.text} AND {three.text}", disjunction([one, conjunction([two, three])]).holds)
    return term(chance, records)
