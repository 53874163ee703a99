"""What can be forgotten: settings, errors, permissions and properties have their documentation, and links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from secgraph import errors
from secgraph.model import served
from secgraph.model.choices import ALERTS, INCIDENTS, NOT_OURS
from secgraph.model.edm import load
from secgraph.odata import bind
from secgraph.odata.functions import FUNCTIONS
from secgraph.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
CONTRACT = ROOT / "CONTRACT.md"
PAGES = sorted(page.relative_to(ROOT).as_posix() for page in [ROOT / "README.md", CONTRACT, *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s*<?([^>\s]+)", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)


def rows(page: str | Path) -> list[list[str]]:
    """The cells of a page's tables, without their back ticks."""
    lines = (REFERENCE / page).read_text("utf-8").splitlines()
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines if line.startswith("|")]


def refusals(kind: type[errors.Refusal] = errors.Refusal) -> Iterator[type[errors.Refusal]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith("secgraph."):
            yield child
            yield from refusals(child)


def properties() -> Iterator[tuple[str, str]]:
    """Where a property is, and its name: of every set, and of every type of evidence."""
    model = load()
    for one in model.sets.values():
        yield from ((one.path, name) for name, item in one.type.properties.items() if not item.navigation)
    for kind in model.struct("microsoft.graph.security.alertEvidence").family():
        yield from ((kind.name, name) for name, item in kind.properties.items() if not item.navigation)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_documented(setting: object) -> None:
    name, says = getattr(setting, "name", ""), getattr(setting, "says", "")
    [row] = [row for row in rows("settings.md") if row[0] == name]
    assert f"SECGRAPH_{name.upper()}" in row
    assert says in row[-1]


@pytest.mark.parametrize("kind", list(refusals()), ids=lambda kind: kind.__name__)
def test_every_refusal_is_documented(kind: type[errors.Refusal]) -> None:
    [row] = [row for row in rows("errors.md") if row[0] == kind.__name__]
    assert str(kind.status) in row[1]
    assert row[-1]


def test_no_refusal_is_documented_that_does_not_exist() -> None:
    assert {row[0] for row in rows("errors.md")[2:]} == {kind.__name__ for kind in refusals()}


@pytest.mark.parametrize("name", load().served_permissions())
def test_every_served_permission_is_documented(name: str) -> None:
    [row] = [row for row in rows("permissions.md") if row[0] == name]
    assert row[-1], "it opens nothing"


def test_no_permission_is_documented_that_is_not_served() -> None:
    assert [row[0] for row in rows("permissions.md")[2:]] == load().served_permissions()


def test_every_property_that_can_be_filtered_is_documented() -> None:
    told = {(row[0], row[1]) for row in rows("properties.md")}
    short = {where.rpartition("/any(")[0] or where for where, _ in told}
    assert "security/alerts_v2" in short
    missing = [
        (where, name)
        for where, name in properties()
        if not any(row == name and (place == where or f"/{where}/" in place or (where.endswith(".alertEvidence") and place.endswith("e/...)")))
                   for place, row in told)
    ]  # fmt: skip
    assert missing == []


def test_every_operator_row_of_a_member_of_an_enumeration_is_documented() -> None:
    """A filter on an enumeration needs its words."""
    page = (REFERENCE / "properties.md").read_text("utf-8")
    for one in load().sets.values():
        for item in one.columns():
            for word in getattr(item.type, "members", {}):
                assert word in page, f"{item.name}: {word}"


# --- the contract ---------------------------------------------------------------------------------------------------------


def test_nothing_generated_is_stale() -> None:
    answer = subprocess.run(  # noqa: S603 -- a script of this project
        [sys.executable, ROOT / "scripts" / "docs", "--check"], capture_output=True, text=True, check=False, timeout=60
    )
    assert answer.returncode == 0, answer.stderr


def test_every_published_operation_is_told_once_with_what_it_is() -> None:
    model = load()
    told = [row for row in rows(CONTRACT) if row[0] in model.operations]
    assert [row[0] for row in told] == list(model.operations)
    assert len(told) == 60
    for name, call, versions, state, permissions, options in told:
        one = model.operations[name]
        assert call.startswith(f"{one.method} {one.path}")
        assert all(alias in call for alias in one.aliases)
        assert versions == ", ".join(one.versions)
        assert state.partition(":")[0] == served.state(one, model)[0]
        assert all(f"`{entry}" in f"`{permissions}" for entry in one.application)
        found = served.operations(model).get(name)
        assert options.replace("`", "").split() == list(found.options if found else ())


def test_every_call_of_ours_is_told() -> None:
    told = {row[0] for row in rows(CONTRACT)}
    ours = {f"{call.method} {call.path}" for call in served.calls(load()) if call.published is None}
    assert ours <= told
    assert set(NOT_OURS) <= told


def test_what_can_be_done_with_a_property_is_told() -> None:
    text = CONTRACT.read_text("utf-8")
    assert text.index("### security/alerts_v2") < text.index("### security/incidents")
    told = rows(CONTRACT)
    for one in load().sets.values():
        part = text.partition(f"### {one.path}\n")[2].partition("###")[0]
        for name, item in one.type.properties.items():
            assert (f"| `{name}` |" in part) != item.navigation, name
    assert ["status", "yes", "yes", "yes", "PATCH"] in told
    assert ["comments", "yes", "", "", "POST"] in told
    assert ["evidence", "yes", "", "", ""] in told
    assert ["lastModifiedDateTime", "yes", "yes", "yes", ""] in told


# --- links ---------------------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    found = set()
    for heading in _HEADING.findall(text):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", lambda match: match[1] or "", heading)
        found.add(re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-"))
    return found


@pytest.mark.parametrize("name", PAGES)
def test_relative_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    broken = []
    for inline, reference in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
        target = inline or reference
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if not file.exists() or not file.is_relative_to(ROOT) or (parts.fragment and file.suffix == ".md" and parts.fragment not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_there_are_pages() -> None:
    assert "README.md" in PAGES
    assert len(PAGES) >= 5


def examples() -> Iterator[tuple[str, str]]:
    """The lines of the marked blocks in docs/query.md: which option, and its text."""
    options = {"odata": "$filter", "search": "$search", "orderby": "$orderby", "select": "$select", "expand": "$expand"}
    for mark, block in re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "docs" / "query.md").read_text("utf-8"), re.MULTILINE | re.DOTALL):
        yield from ((options[mark], line) for line in block.splitlines() if line.strip())


@pytest.mark.parametrize(("option", "text"), list(examples()))
def test_every_example_of_a_question_is_understood(option: str, text: str) -> None:
    model = load()
    one = model.sets[INCIDENTS if option == "$expand" else ALERTS]
    asked = bind.query(one, {option: text}, model)
    assert asked.where is not None or option not in {"$filter", "$search"}


def test_every_function_is_documented() -> None:
    said = (ROOT / "docs" / "query.md").read_text("utf-8").lower()
    assert [name for name in FUNCTIONS if name not in said] == []
