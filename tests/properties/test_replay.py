"""A property that fails says what brings its example back: on a machine of CI nothing else is kept."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BROKEN = """
from random import Random

from hypothesis import given
from hypothesis import strategies as st


@given(chance=st.randoms(use_true_random=False))
def test_broken(chance: Random) -> None:
    assert chance.randrange(1000) < 10
"""


def test_a_failure_prints_what_brings_it_back(tmp_path: Path) -> None:
    """The profile is the one that the properties here are tried with; what is printed is put in and fails again."""

    def tried(text: str) -> str:
        (tmp_path / "test_broken.py").write_text(text)
        found = subprocess.run(  # noqa: S603 -- pytest itself
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.properties.conftest", "--rootdir", tmp_path, tmp_path],
            cwd=ROOT, env={**os.environ, "CI": "true", "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "kept")}, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert found.returncode == 1, found.stdout + found.stderr
        return found.stdout

    said = re.search(r"@reproduce_failure\((.+)\)", tried(BROKEN))
    assert said is not None
    again = BROKEN.replace("@given", f"@reproduce_failure({said[1]})\n@given").replace("import given", "import given, reproduce_failure")
    assert "assert 10 < 10" in tried(again)
