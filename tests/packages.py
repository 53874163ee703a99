"""Programs of Debian that tests run: root has them installed, others are told what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

import pytest


@cache
def there(*packages: str) -> bool:
    """Whether these packages are there; root has them installed."""
    if os.geteuid() == 0 and shutil.which("apt-get") and not _installed(packages):
        _ran("apt-get", "update", "-qq")
        _ran("apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages)
    return _installed(packages)


def needed(what: str, *packages: str) -> None:
    """Skips the test, and says so, where they are not there and cannot be installed."""
    if not there(*packages):
        pytest.skip(f"{what}: apt-get install {' '.join(packages)}")


def _installed(packages: tuple[str, ...]) -> bool:
    return _ran("dpkg-query", "--show", *packages)


def _ran(*words: str) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 -- programs of the system
            words, capture_output=True, timeout=300, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
