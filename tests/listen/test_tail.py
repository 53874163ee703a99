"""A file that grows, is rotated and cut, read by a process that is killed now and then: every line, and none twice."""

# ruff: noqa: ASYNC240 -- files in memory, and nobody else waits meanwhile

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secgraph.listen.framing import LONGEST, TOO_LONG, Cut
from secgraph.listen.intake import What
from secgraph.listen.tail import QUIET, Tail


class Killed(Exception):
    """The process ended between two commits."""


class Reader:
    """A process that reads a file; another one after each kill."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stored: list[str] = []
        self.place: Mapping[str, Any] = {}
        self.dies = False
        """Whether it is killed behind the next commit of messages, before that of the place."""
        self.tail = Tail(path, {}, self.store)

    async def store(self, batch: list[What], place: Mapping[str, Any]) -> None:
        self.stored += [one.reason if isinstance(one, Cut) else one.data.decode() for one in batch]
        if self.dies and batch:
            self.dies = False
            raise Killed
        self.place = place

    async def looks(self, times: int = 1) -> None:
        for _ in range(times):
            try:
                await self.tail.look()
            except Killed:
                self.again()

    async def settled(self) -> None:
        await self.looks(3 * (QUIET + 2))

    def again(self) -> None:
        self.tail.close()
        self.tail = Tail(self.path, self.place, self.store)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "eve.json"


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


async def test_a_file_that_comes_later_and_grows(path: Path) -> None:
    reader = Reader(path)
    assert not await reader.tail.look()
    add(path, "one\n")
    assert await reader.tail.look()
    add(path, "two\nthr")
    await reader.looks(20)
    assert reader.stored == ["one", "two"]
    add(path, "ee\n\n\r\nfour\r\n")
    await reader.looks()
    assert reader.stored == ["one", "two", "three", "four"]
    reader.tail.close()


async def test_a_renamed_file_is_read_to_its_end_first(path: Path) -> None:
    reader = Reader(path)
    add(path, "one\n")
    await reader.looks()
    path.rename(path.with_name("eve.json.1"))
    await reader.looks(QUIET + 2)  # nothing has its name for a while
    add(path.with_name("eve.json.1"), "two\n")
    await reader.looks()
    add(path, "four\n")
    await reader.looks()
    add(path.with_name("eve.json.1"), "three")  # its product has it open still
    await reader.settled()
    assert reader.stored == ["one", "two", "three", "four"]
    reader.tail.close()


async def test_a_file_that_was_cut_is_read_anew_and_the_rest_in_its_copy(path: Path) -> None:
    reader = Reader(path)
    add(path, "one\n")
    await reader.looks()
    add(path, "two\n")
    shutil.copy(path, path.with_name("eve.json.1"))
    path.write_text("a line that is longer than what was there\n")
    await reader.settled()
    assert reader.stored == ["one", "two", "a line that is longer than what was there"]
    reader.tail.close()


async def test_a_file_that_was_renamed_before_anything_was_in_it(path: Path) -> None:
    reader = Reader(path)
    add(path, "")
    await reader.looks()
    reader.again()
    add(path, "one\n")
    path.rename(path.with_name("eve.json.1"))
    add(path, "two\n")
    await reader.settled()
    assert reader.stored == ["one", "two"]
    reader.tail.close()


@pytest.mark.parametrize("killed", [False, True])
async def test_two_rotations_while_nobody_reads(path: Path, killed: bool) -> None:
    reader = Reader(path)
    add(path, "one\n")
    await reader.looks()
    add(path, "two\n")
    path.rename(path.with_name("eve.json.2"))
    add(path, "three\n")
    path.rename(path.with_name("eve.json.1"))
    add(path, "four\n")
    path.with_name("eve.json.lock").write_text("not of it\n")
    path.with_name("eve.json.0.gz").write_text("not of it\n")
    if killed:
        reader.again()
    await reader.settled()
    assert reader.stored == ["one", "two", "three", "four"]
    reader.tail.close()


async def test_an_inode_that_was_used_before(path: Path) -> None:
    reader = Reader(path)
    add(path, "one\n")
    await reader.looks()
    reader.tail.close()
    inode = path.stat().st_ino
    path.write_text("")
    reader.place = {**reader.place, "inode": inode}
    reader.again()
    await reader.settled()
    add(path, "two\n")
    await reader.settled()
    assert reader.stored == ["one", "two"]
    reader.tail.close()


async def test_a_line_of_ten_megabytes(path: Path) -> None:
    reader = Reader(path)
    add(path, "one\n" + "x" * (10 * LONGEST))
    await reader.looks(2)
    assert reader.stored == ["one"]
    add(path, "y\ntwo\n")
    await reader.looks()
    assert reader.stored == ["one", TOO_LONG, "two"]
    add(path, "z" * (2 * LONGEST))
    path.rename(path.with_name("eve.json.1"))
    add(path, "three\n")
    await reader.settled()
    assert reader.stored == ["one", TOO_LONG, "two", TOO_LONG, "three"]
    reader.tail.close()


async def test_many_lines_are_stored_a_batch_at_a_time(path: Path) -> None:
    reader = Reader(path)
    add(path, "".join(f"{number}\n" for number in range(1200)))
    reader.dies = True
    await reader.looks(2)
    assert reader.stored == [*map(str, range(500)), *map(str, range(1200))]
    reader.tail.close()


STEPS = ("line", "lines", "half", "rename", "cut", "look", "look", "looks", "kill", "die")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=30))
async def test_every_line_is_stored_and_none_twice_without_a_kill_between_commits(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "eve.json"
        reader = Reader(path)
        written = ["the first line"]
        add(path, "the first line\n")
        await reader.looks()
        open_line, rotations, died, begin = "", 0, False, 0
        for step in steps:
            match step:
                case "line" | "lines":
                    more = [f"line {number} of the file" for number in range(len(written), len(written) + (700 if step == "lines" else 1))]
                    add(path, "\n".join(more) + "\n")
                    written += [open_line + more[0], *more[1:]]
                    open_line = ""
                case "half":
                    half = f"half {len(written)}-"
                    open_line += half
                    add(path, half)
                case "cut" if begin == len(written) or written[begin] not in reader.stored:
                    pass  # of a copy nobody can tell what it is of, before anything of the file was read
                case "rename" | "cut" if path.exists():
                    if open_line:  # what is not finished by then is a line by itself
                        written.append(open_line)
                        open_line = ""
                        add(path, "\n")
                    rotations += 1
                    former = path.with_name(f"eve.json.{rotations}")
                    if step == "rename":
                        path.rename(former)
                    else:
                        shutil.copy(path, former)
                        path.write_text("")
                    begin = len(written)
                case "look":
                    await reader.looks()
                case "looks":
                    await reader.settled()
                case "kill":
                    reader.again()
                case "die":
                    reader.dies = died = True
        add(path, "\n")
        if open_line:
            written.append(open_line)
        await reader.looks(10 * (rotations + 1) * QUIET)
        reader.tail.close()
        assert list(dict.fromkeys(reader.stored)) == list(dict.fromkeys(written)), steps
        if not died:
            assert len(reader.stored) == len(written)
