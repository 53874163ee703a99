"""Copies of a SQLite file: one is taken while others write to it, and put in its place again.

What a copy does not know must not be mistaken for something else after it was restored. So the numbers that may have been
handed out since are left out, and the links of `delta()` from between are over (`facts`, `restored`).
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.store.sqlite.file import perform, reading
from secgraph.store.statements import migrations
from secgraph.store.steps import Ask, ask, do

PAGES = 256
"""How many pages are copied between two looks at the progress."""

MARGIN = 60 * clock.SECOND
"""How long before its commit a write may have looked at the clock."""

BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file."""

Tick = Callable[[int, int], None]
"""Told how many pages are copied, and of how many."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds."""

    instant: int
    """It knows every commit until then; 0 where nobody wrote that down."""
    size: int
    schema: int
    tenants: int
    sealed: list[bytes]
    """What is secret in it, as it stands there."""


def back_up(database: Path, file: Path, now: clock.Now, *, replace: bool, tick: Tick, pages: int = PAGES) -> Copied:
    """Takes a copy of a database that others may read and write meanwhile, whole or not at all. UsageError when it cannot
    be.
    """
    if not file.parent.is_dir():
        raise UsageError(f"There is no folder {file.parent}. Make it first, or write the copy elsewhere.")
    if file.is_dir():
        raise UsageError(f"{file} is a folder. Name the file that the copy is to be, such as {file / 'secgraph.backup'}.")
    if any(_same(file, Path(f"{database}{tail}")) for tail in ("", *BESIDE)):
        raise UsageError(f"{file} is the database itself. Write the copy elsewhere.")
    if file.exists() and not replace:
        raise UsageError(_IN_THE_WAY.format(file))
    with reading(database) as source, _draft(file) as draft:
        instant = now()
        _pages(source, draft, pages, tick)
        with contextlib.closing(_alone(draft)) as made:
            perform(made, do("fact_put", {"name": "backed_up", "value": str(instant)}))
            found = _checked(made, draft)
        _placed(draft, file, replace=replace)
    return found


def restore(file: Path, database: Path, now: clock.Now, *, replace: bool, tick: Tick) -> tuple[Copied, list[Path]]:
    """Puts a copy in the place of a database that nothing has open; what it holds, and where the files lie that were there.
    UsageError when it cannot be, and then nothing was changed.
    """
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    if _same(file, database):
        raise UsageError(f"{file} is the database itself.")
    there = [path for tail in ("", *BESIDE) if (path := Path(f"{database}{tail}")).exists()]
    if there and not replace:
        raise UsageError(f"{there[0]} is there already. With --force it is moved aside, and the copy takes its place.")
    with reading(file) as source, _draft(database) as draft:
        if (found := source.pragma("user_version")) > (known := max(migrations())):
            raise UsageError(f"{file} was written by a newer version (schema {found}, this version knows {known})."
                             " Restore it with the newer version.")  # fmt: skip
        _pages(source, draft, PAGES, tick)
        with contextlib.closing(_alone(draft)) as made:
            copied = _checked(made, file)
            _leave_out(made, now())
        _synced(draft)
        # The file first: what is found beside no file is thrown away by SQLite, beside another one it would be taken for its.
        aside = _moved_aside(there, database, now())
        draft.replace(database)
        _synced(database.parent)
    return copied, aside


_IN_THE_WAY = "{} is there already. Choose another name, or replace it with --force."


# -- the copy


def _pages(source: apsw.Connection, draft: Path, most: int, tick: Tick) -> None:
    """Copies every page as of the instant at which the source is read.

    Its transaction is open from the first page to the last. Without it a commit of another process between two steps would
    make SQLite begin anew, under steady writes for ever; it holds up no writer, only the write-ahead log grows. VACUUM INTO
    may number the rows anew, and the words of `$search` are found by those numbers.
    """
    with contextlib.closing(_alone(draft)) as target:
        with target.backup("main", source, "main") as copying:
            while not copying.done:
                copying.step(most)
                tick(copying.page_count - copying.remaining, copying.page_count)
        target.pragma("journal_mode", "delete")  # the copy is one file, and can be read where nothing can be written


def _alone(path: Path) -> apsw.Connection:
    """A connection to a file that nobody else knows: nothing beside it, and it is synced once, in the end."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.pragma("locking_mode", "exclusive")
    connection.pragma("synchronous", "off")
    connection.pragma("cache_size", -65536)
    return connection


def _checked(connection: apsw.Connection, file: Path) -> Copied:
    """What a copy holds, after a look at every page and index of it. UsageError when it is damaged."""
    try:
        said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(1)")]
        if said != ["ok"]:
            raise UsageError(_DAMAGED.format(file, said[0]))
        schema = connection.pragma("user_version")
        sealed = perform(connection, ask("signing_keys")) if schema >= _SEALED_SINCE else []
        return Copied(
            instant=_instant(connection), schema=schema, sealed=[bytes(one) for *_, one in sealed],
            size=connection.pragma("page_count") * connection.pragma("page_size"),
            tenants=len(perform(connection, ask("tenants"))),
        )  # fmt: skip
    except (apsw.CorruptError, apsw.NotADBError) as fault:
        raise UsageError(_DAMAGED.format(file, fault)) from None


_DAMAGED = "The database in {} is damaged ({}). Keep it, and go back to a copy from before."
_SEALED_SINCE = 5


def _instant(connection: apsw.Connection) -> int:
    return next((int(value) for (value,) in perform(connection, ask("fact", name="backed_up"))), 0)


# -- what a restored copy does not know


def _leave_out(connection: apsw.Connection, now: int) -> None:
    """Leaves out every number that may have been handed out since the copy was taken, and writes down the time between.

    A tenant's stamps rise by a microsecond at least with every number, so that there cannot be more of them than that.
    """
    since = _instant(connection)
    connection.execute("BEGIN IMMEDIATE")
    for tenant, *_ in perform(connection, ask("tenants")):
        [(seq, stamp, incidents, terms)] = perform(connection, Ask(_CLOCK, (tenant,)))
        most = max(0, now - max(stamp, since - MARGIN)) // clock.MICROSECOND
        perform(connection, do("tenant_tick", {
            "tenant": tenant, "seq": seq + most, "stamp": max(stamp, now), "incidents": incidents + most,
            "terms": terms + most,
        }))  # fmt: skip
        perform(connection, do("tokens_end", {"tenant": tenant, "most": most}))
    for (between,) in perform(connection, ask("fact", name="restored")):
        since = min(since, int(between.split()[0]))
    perform(connection, do("fact_put", {"name": "restored", "value": f"{since} {now}"}))
    perform(connection, do("fact_delete", {"name": "backed_up"}))
    connection.execute("COMMIT")


_CLOCK = "SELECT seq, stamp, incidents, terms FROM tenants WHERE tenant = ?"

# -- files


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Says plainly that a file could not be written."""
    try:
        yield
    except (apsw.FullError, apsw.IOError) as fault:
        raise UsageError(f"{path.parent} does not take the copy: {fault}. Nothing of it was left there.") from None
    except OSError as fault:
        raise UsageError(f"{path.parent} does not take the copy: {fault.strerror}. Nothing of it was left there.") from None


@contextlib.contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """An empty file beside that one, for its owner only; gone in the end."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    with _writing(path):
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with _writing(path):
            yield draft
    finally:
        for tail in ("", *BESIDE):
            Path(f"{draft}{tail}").unlink(missing_ok=True)


def _placed(draft: Path, file: Path, *, replace: bool) -> None:
    """Gives the finished draft its name, which without `replace` nothing else has."""
    _synced(draft)
    if replace:
        draft.replace(file)
    else:
        try:
            os.link(draft, file)
        except FileExistsError:
            raise UsageError(_IN_THE_WAY.format(file)) from None
        except OSError:  # a file system without links
            draft.replace(file)
    _synced(file.parent)


def _synced(path: Path) -> None:
    """Waits until a file or a folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _moved_aside(there: list[Path], database: Path, now: int) -> list[Path]:
    """Gives the files of a database other names, under which they are one still; those names."""
    stem = f"{database.stem}-until-{clock.text(now)[:19].replace(':', '')}Z"
    moved: list[Any] = []
    for path in there:
        moved.append(path.with_name(f"{stem}{path.name.removeprefix(database.stem)}"))
        path.replace(moved[-1])
    return moved
