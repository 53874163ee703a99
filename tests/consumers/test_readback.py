"""Whether a product says already what it was to be told: a table."""

from __future__ import annotations

from typing import Any

import pytest

from secgraph.consumers.readback import Said, takes


@pytest.mark.parametrize(("said", "member", "value", "there"), [
    ({"status": "resolved"}, "status", "resolved", True),
    ({"status": "new"}, "status", "resolved", False),
    ({}, "status", "resolved", False),
    ({"classification": None}, "classification", "unknown", True),
    ({"classification": "truePositive"}, "classification", "unknown", False),
    ({"assignedTo": None}, "assignedTo", None, True),
    ({"assignedTo": ""}, "assignedTo", None, True),
    ({"assignedTo": "Ana@contoso.com"}, "assignedTo", "ana@contoso.com", True),
    ({"assignedTo": "bo@contoso.com"}, "assignedTo", None, False),
    ({"comments": ["a", "b"]}, "comments", "b", True),
    ({"comments": ["ab"]}, "comments", "a", False),
    ({"comments": ["a\nb"]}, "comments", "b", True),
    ({"comments": ["x\na\nb\ny"]}, "comments", "a\nb", True),
    ({"comments": [" a "]}, "comments", "a\n", True),
    ({"comments": None}, "comments", "a", False),
])  # fmt: skip
def test_what_a_product_says(said: dict[str, Any], member: str, value: Any, there: bool) -> None:
    assert takes(Said(said), member, value) is there


@pytest.mark.parametrize(("comments", "taken", "there"), [
    (["a"], 0, [True, False]), (["a", "a"], 0, [True, True]), (["a", "a"], 1, [True, False]), (["a"], 1, [False, False]), (["a\nb\na"], 0, [True, True]),
])  # fmt: skip
def test_comments_that_are_alike_are_counted(comments: list[str], taken: int, there: list[bool]) -> None:
    said = Said({"comments": comments}, {"a": taken})
    assert [takes(said, "comments", "a") for _ in there] == there
