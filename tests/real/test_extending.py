"""docs/extending.md: the package that stands there is put together, installed beside secgraph, and does what the page says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
_BLOCK = re.compile(r"^```\w+\n# ([\w.]+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def installed(folder: Path) -> Path:
    """The package of the page, and beside it what an installer writes down of its entry points."""
    files = dict(_BLOCK.findall(PAGE.read_text("utf-8")))
    assert set(files) == {"pyproject.toml", "acme_sentry.py", "acme_api.py", "test_acme.py", "test_served.py"}
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    project = tomllib.loads(files["pyproject.toml"])["project"]
    told = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = [f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in found.items()) for group, found in project["entry-points"].items()]
    (told / "entry_points.txt").write_text("\n".join(points))
    return folder


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("acme"))


def run(package: Path, *words: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SECGRAPH_", "PYTEST_"))}
    command = [sys.executable, "-m", *words]
    return subprocess.run(  # noqa: S603 -- this interpreter
        command, cwd=package, env={**clean, "PYTHONPATH": str(package)}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_its_own_tests_pass(package: Path) -> None:
    ended = run(package, "pytest", "-q", "-p", "no:cacheprovider", "test_acme.py", "test_served.py")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "4 passed" in ended.stdout


def test_a_fault_in_it_is_found(tmp_path: Path) -> None:
    broken = installed(tmp_path)
    for name, right, wrong in (
        ("acme_sentry.py", '"title": title,', '"title": title, "severty": "high",'),
        ("acme_api.py", 'raise CallFailed("answered with no JSON") from None', "raise"),
        ("acme_api.py", ", once=True)", ")"),
    ):
        text = (broken / name).read_text("utf-8")
        assert right in text
        (broken / name).write_text(text.replace(right, wrong), "utf-8")
    ended = run(broken, "pytest", "-q", "-p", "no:cacheprovider", "test_acme.py")
    assert ended.returncode == 1
    said = ["alert has no member 'severty'", "JSONDecodeError leaves pull", "is not told to be made once"]
    assert [one for one in said if one not in ended.stdout] == []


def test_its_kind_is_there_and_can_be_tried(package: Path, tmp_path: Path) -> None:
    (kind,) = [one for one in json.loads(run(package, "secgraph", "source", "kinds", "--json").stdout) if one["kind"] == "acme"]
    assert (kind["pulls"], kind["writesBack"], [one["name"] for one in kind["options"]]) == (True, True, ["url", "key", "since"])
    sample = tmp_path / "sample.json"
    sample.write_text(json.dumps([{"id": "7", "name": "Beacon", "level": 3, "raised": "2026-02-09T09:00:00Z", "rack": "R 2"}, {"kind": "heartbeat"}]))
    tried = json.loads(run(package, "secgraph", "source", "try", "acme", str(sample), "--json").stdout)
    assert [one["outcome"] for one in tried] == ["taken", "passed over"]
    assert tried[0]["unplaced"] == {"level": "3", "rack": "R 2"}
