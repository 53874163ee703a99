"""The public grammar cases, where the folder that holds them is named; the rest of the score is a command of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.odata import score

GOAL = 228


def test_the_public_cases(shared: Path) -> None:
    known = json.loads((shared / "contract" / "odata-cases.json").read_text(encoding="utf-8"))
    total, wrong = score.score(known["cases"])
    assert [case["input"] for case, _ in wrong if case["input"] not in score.EXCEPTIONS] == []
    assert total - len(wrong) >= GOAL


@pytest.mark.parametrize(("rule", "text", "right"), [
    ("commonExpr", "Price mul 1.1", True), ("commonExpr", "Price mul", False), ("boolCommonExpr", "5", False),
    ("filter", "$filter=Name eq 'x'", True), ("filter", "$top=5", False), ("queryOptions", "$top=x", False),
    ("expand", "$expand=Items($levels=0)", False), ("orderby", "$orderby=Name up", False), ("guid", "x", False),
    ("preference", "return=maximal", False), ("dateTimeOffsetValue", "2026-01-31T09:00", False), ("int16Value", "40000", False),
])  # fmt: skip
def test_a_case_is_judged(rule: str, text: str, right: bool) -> None:
    assert score.judge(rule, text) is right


def test_a_wrong_case_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({"cases": [{"rule": "filter", "input": "$filter=a eq 1", "fail_at": 3},
                                          {"rule": "context", "input": "#x"}]}))  # fmt: skip
    assert score.main(str(file)) == 1
    assert capsys.readouterr().out == "filter: $filter=a eq 1: taken\n0/1 right\n"
