"""Files that only their owner can read: whole or not at all, and of several writers one."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from secgraph.private import made_once, write_private


@pytest.fixture(autouse=True)
def _lax() -> object:
    """Whatever the umask says."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "key"
    for data in (b"one", b"", b"three" * 1000):
        write_private(file, data)
        assert file.read_bytes() == data
        assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    with pytest.raises(OSError, match="key"):
        write_private(tmp_path / "key", b"data")
    with pytest.raises(OSError, match="none"):
        made_once(tmp_path / "none" / "key", b"data")
    assert list(tmp_path.iterdir()) == [tmp_path / "key"]


def test_what_is_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "key"
    assert made_once(file, b"first") == b"first"
    assert made_once(file, b"second") == b"first"
    assert file.read_bytes() == b"first"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_of_many_at_once_one_is_there_for_all(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for number in range(20):
            file = tmp_path / f"key{number}"
            found = set(pool.map(lambda data, file=file: made_once(file, data), [b"%d" % one * 500 for one in range(8)]))
            assert found == {file.read_bytes()}
