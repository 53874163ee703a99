from __future__ import annotations

from typing import Any

import pytest
from bench.campaigns.baselines import anything, identifiers, nothing
from bench.campaigns.bound import best
from bench.campaigns.score import score

Record = dict[str, Any]


def alert(key: str, hour: int, *evidence: Record, day: int = 2) -> Record:
    moment = f"2026-03-{day:02}T{hour:02}:00:00.0000000Z"
    return {"id": key, "createdDateTime": moment, "firstActivityDateTime": moment, "evidence": list(evidence)}


def address(text: str) -> Record:
    return {"@odata.type": "#microsoft.graph.security.ipEvidence", "ipAddress": text}


def user(**names: str) -> Record:
    return {"@odata.type": "#microsoft.graph.security.userEvidence", "userAccount": names}


def parts(groups: list[str]) -> list[int]:
    """The groups by the order in which they first come."""
    return [list(dict.fromkeys(groups)).index(one) for one in groups]


def test_identifiers_are_texts_that_name_something() -> None:
    item = user(accountName="Anna", domainName="CONTOSO", displayName="Anna Abel", userPrincipalName="Anna@contoso.com")
    nested = {"sourceAddress": address("10.0.0.1"), "protocol": "tcp"}
    assert set(identifiers([item, nested])) == {"contoso\\anna", "anna@contoso.com", "10.0.0.1"}


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        pytest.param(alert("c", 9, address("1"), day=3), [0, 0, 0], id="within a day of the second"),
        pytest.param(alert("c", 10, address("1"), day=3), [0, 0, 1], id="a day and an hour later"),
        pytest.param(alert("c", 9, address("2")), [0, 0, 1], id="another thing"),
    ],
)
def test_anything_shared_within_a_day_joins(later: Record, expected: list[int]) -> None:
    alerts = [alert("a", 1, address("1")), alert("b", 9, address("1")), later]
    assert parts(anything(alerts)) == expected
    assert parts(nothing(alerts)) == [0, 1, 2]


def test_the_bound_ties_by_any_name_but_not_across_labels() -> None:
    alerts = [
        alert("a", 1, user(userSid="S-1", userPrincipalName="anna@contoso.com")), alert("b", 2, user(userSid="S-1")),
        alert("c", 3, user(userPrincipalName="ANNA@contoso.com"), day=20), alert("d", 4, user(userSid="S-1")),
        alert("e", 5, user(userSid="S-2")),
        *(alert(f"n{number}", 1, address(f"9.{number}")) for number in range(200)),
    ]  # fmt: skip
    labels = ["x", "x", "x", "y", "x", *[""] * 200]
    assert parts(best(alerts, labels, None))[:5] == [0, 0, 0, 1, 2]
    assert score(labels, best(alerts, labels, None)).precision == 1


def test_the_bound_does_not_tie_by_what_is_everywhere() -> None:
    alerts = [alert(f"n{number}", 1, address("10.0.0.1")) for number in range(100)]
    assert len(set(best(alerts, ["x"] * 100, None))) == 100
