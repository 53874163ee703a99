"""The file: made, migrated, filled after an upgrade, refused when it is not ours, and what is kept in it."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import msgspec
import pytest

from secgraph import clock as real_clock
from secgraph.access.narrow import ScopedKey
from secgraph.errors import Fault, UsageError
from secgraph.model import check
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import EntitySet, load
from secgraph.store.kept import kept, unpacked
from secgraph.store.layout import SQL_TYPES, create_indexes, create_table, encoder, fixed
from secgraph.store.protocol import Put, PutEntry
from secgraph.store.sqlite.dialect import Sqlite
from secgraph.store.sqlite.file import APPLICATION, connect
from secgraph.store.sqlite.store import open_store
from secgraph.store.statements import migrations, statements
from secgraph.store.turn import new_record
from secgraph.testing import Clock

CREATED = real_clock.text(1_789_000_000 * real_clock.SECOND)

if TYPE_CHECKING:
    from tests.store.conftest import Ground


def rows(path: Path, text: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(apsw.Connection(str(path))) as connection:
        return connection.execute(text, values).fetchall()


def change(path: Path, *texts: str) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        for text in texts:
            connection.execute(text)


def schema(path: Path) -> set[tuple[str, str, str]]:
    return {(kind, name, " ".join(sql.split())) for kind, name, sql in rows(path, "SELECT type, name, sql FROM sqlite_schema WHERE sql NOT NULL")}


# --- layout ------------------------------------------------------------------------------------------------------------


@pytest.mark.sqlite
async def test_the_tables_are_what_the_model_says(ground: Ground) -> None:
    for one in ground.model.stored():
        found = {name: kind for _, name, kind, *_ in rows(ground.path, f'PRAGMA table_info("{one.table}")')}
        assert list(found) == [*fixed(one), *one.choices.columns]
        assert set(found.values()) <= {*SQL_TYPES.values()}
        names = {name for (name,) in rows(ground.path, "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?", one.table)}
        assert len(names) == len(create_indexes(one, Sqlite()))


def columns_of(ground: Ground, one: EntitySet) -> list[tuple[Any, ...]]:
    listed = ", ".join(f'"{name}"' for name in one.choices.columns)
    return ground.place.rows(f'SELECT {listed} FROM "{one.table}" ORDER BY tenant, id')


async def test_columns_hold_what_the_document_says(ground: Ground) -> None:
    one = ground.model.sets[ALERTS]
    record = await ground.add(1, assignedTo="Straße", severity="high", serviceSource="microsoftSentinel", incidentId="A1",
                              firstActivityDateTime="2026-11-01T00:00:00Z")  # fmt: skip
    [found] = columns_of(ground, one)
    assert dict(zip(one.choices.columns, found, strict=True)) == {
        "createdDateTime": real_clock.ticks(record["createdDateTime"]), "lastUpdateDateTime": real_clock.ticks(record["lastUpdateDateTime"]),
        "severity": 256, "status": 0, "serviceSource": 512, "classification": None, "determination": None, "incidentId": "a1", "assignedTo": "strasse",
        "firstActivityDateTime": real_clock.ticks("2026-11-01T00:00:00Z"),
    }  # fmt: skip


async def test_the_document_is_the_default_form_and_the_full_one_stands_beside_it(ground: Ground) -> None:
    await ground.add(1, serviceSource="microsoftSentinel")
    await ground.add(2, serviceSource="dataLossPrevention")
    [(doc, full), (plain, none)] = ground.place.rows('SELECT doc, "full" FROM alerts_v2 ORDER BY id')
    assert '"serviceSource":"unknownFutureValue"' in doc
    assert '"serviceSource":"microsoftSentinel"' in full
    assert '"serviceSource":"dataLossPrevention"' in plain
    assert none is None
    assert await ground.ids(filter="serviceSource eq 'microsoftSentinel'") == ["da0001"]
    assert await ground.ids(filter="serviceSource eq 'unknownFutureValue'") == []


def test_an_absent_value_is_null_in_every_column() -> None:
    for one in load().stored():
        for item in one.columns():
            assert encoder(item)(None) is None


async def test_values_never_stand_in_a_statement() -> None:
    for name, text in statements().items():
        assert "'" not in text.replace("'last_tenant'", ""), name
        assert text.count(";") == 0, name


# --- upgrades ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dropped", [("severity",), ("assignedTo", "incidentId"), ("createdDateTime", "lastUpdateDateTime", "serviceSource")])
@pytest.mark.sqlite
async def test_a_new_column_is_filled_from_the_documents(open_ground: Callable[..., Any], dropped: tuple[str, ...]) -> None:
    ground: Ground = await open_ground()
    one = ground.model.sets[ALERTS]
    for number in range(1, 30):
        await ground.add(number, severity=["low", "high"][number % 2], assignedTo=[None, "Zoë", "ß"][number % 3], incidentId=f"I{number}",
                         serviceSource=["microsoftSentinel", "unknown"][number % 2])  # fmt: skip
    before, fresh = columns_of(ground, one), schema(ground.path)
    await ground.store.close()
    indexes = rows(ground.path, "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'alerts_v2' AND sql NOT NULL")
    change(ground.path, *(f'DROP INDEX "{name}"' for name, sql in indexes if any(f'"{column}"' in sql for column in dropped)),
           *(f'ALTER TABLE alerts_v2 DROP COLUMN "{column}"' for column in dropped))  # fmt: skip
    assert schema(ground.path) != fresh
    again: Ground = await open_ground()
    assert sorted(columns_of(again, one)) == sorted(before)
    assert {name for kind, name, _ in schema(ground.path)} == {name for kind, name, _ in fresh}
    assert await again.ids(filter="severity eq 'high'", top="3") == ["da0029", "da0027", "da0025"]
    await again.add(99, severity="high")
    assert (await again.ids(filter="severity eq 'high'", top="1")) == ["da0099"]


def laid_out(path: Path) -> tuple[dict[str, set[tuple[Any, ...]]], set[tuple[str, str]]]:
    """The columns of each table, whatever their order, and the indexes."""
    tables = {
        name: {tuple(column) for _, *column in rows(path, f'PRAGMA table_info("{name}")')}
        for (name,) in rows(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")
    }
    return tables, {(name, sql) for kind, name, sql in schema(path) if kind == "index"}


def births(ground: Ground) -> dict[tuple[str, int, str], int]:
    return {
        (table, tenant, key): born
        for table in (one.table for one in load().stored())
        for tenant, key, born in ground.place.rows(f'SELECT tenant, id, born FROM "{table}"')
    }


async def test_a_row_keeps_the_stamp_of_its_first_commit(ground: Ground, clock: Clock) -> None:
    first = await ground.add(1)
    clock.forward(5)
    await ground.write(ground.put({**first, "title": "changed"}, "title"), ground.put(ground.alert(2)))
    changed, late = (await ground.events())[1:]
    number = ground.tenant.number
    assert births(ground) == {
        ("alerts_v2", number, "da0001"): real_clock.ticks(first["lastUpdateDateTime"]), ("alerts_v2", number, "da0002"): late["stamp"],
    }  # fmt: skip
    assert changed["stamp"] > births(ground)["alerts_v2", number, "da0001"]


@pytest.mark.sqlite
async def test_an_older_file_learns_from_the_log_when_its_rows_were_born(open_ground: Callable[..., Any], clock: Clock) -> None:
    ground: Ground = await open_ground()
    other = await ground.registry.create_tenant("fabrikam")
    incident, notes = check.from_source(ground.model.sets[INCIDENTS].type, {"id": "da0001", "createdDateTime": "2026-11-01"}, "2026-11-01")
    assert not notes
    await ground.write(Put(ground.model.sets[INCIDENTS], new_record(incident), (), created=True))
    for number in range(1, 20):
        clock.forward(1)
        record = await ground.add(number, tenant=other if number % 3 == 0 else None)
        if number % 2:
            clock.forward(1)
            await ground.write(ground.put({**record, "title": "changed"}, "title"), tenant=other if number % 3 == 0 else None)
    fresh, born = laid_out(ground.path), births(ground)
    assert len(set(born.values())) == len(born) == 20
    await ground.store.close()
    change(ground.path, *(f'ALTER TABLE "{one.table}" DROP COLUMN born' for one in ground.model.stored()),
           "DELETE FROM events WHERE id = 'da0018'", "DROP TABLE source_states", "DROP TABLE signing_keys", "DROP TABLE entries", "DROP TABLE leases",
           "DROP TABLE removed", "DROP TABLE retention", "DROP INDEX incident_keys_incident", "ALTER TABLE events DROP COLUMN note", *(f"ALTER TABLE tenants DROP COLUMN {name}" for name in ("pruned", "terms", "unread")),
           *(f"DROP TABLE {name}" for name in ("subjects", "postings", "entities", "cases", "apart", "reasons", "snapshots", "correlation",
                                            "sources", "source_places", "source_health", "source_rates", "write_backs", "findings", "score_entries")),
           *(text for text in migrations()[1] if text.startswith(("CREATE TABLE entries", "CREATE TABLE originals"))),
           "PRAGMA user_version = 2")  # fmt: skip
    again: Ground = await open_ground()
    unknown = ("alerts_v2", other.number, "da0018")
    assert births(ground) == {**born, unknown: -1}, "what the log does not know is before everything, and has an instant of its own"
    assert laid_out(ground.path) == fresh
    clock.forward(1)
    record = await again.add(99)
    assert births(ground)["alerts_v2", again.tenant.number, "da0099"] == real_clock.ticks(record["lastUpdateDateTime"])


@pytest.mark.sqlite
async def test_a_document_older_than_a_member_can_still_be_changed(open_ground: Callable[..., Any]) -> None:
    """A contract that grew: the stored document does not have the new member yet, and its column was filled with null."""
    ground: Ground = await open_ground()
    await ground.add(1, assignedTo="bob")
    await ground.store.close()
    change(ground.path, "UPDATE alerts_v2 SET doc = json_remove(doc, '$.assignedTo'), assignedTo = NULL")
    again: Ground = await open_ground()
    row = await again.row(1)
    assert row is not None
    await again.write(again.put({**row.record, "title": "changed"}, "title"))
    assert await again.ids(filter="title eq 'changed' and assignedTo eq null") == ["da0001"]


@pytest.mark.sqlite
async def test_filling_more_than_a_thousand_rows(open_ground: Callable[..., Any]) -> None:
    ground: Ground = await open_ground()
    await ground.write(*(ground.put(ground.alert(number, severity="high")) for number in range(2_500)))
    await ground.store.close()
    indexes = rows(ground.path, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '%\"severity\"%' AND tbl_name = 'alerts_v2'")
    change(ground.path, *(f'DROP INDEX "{name}"' for (name,) in indexes), 'ALTER TABLE alerts_v2 DROP COLUMN "severity"')
    again: Ground = await open_ground()
    assert rows(again.path, 'SELECT "severity", count(*) FROM alerts_v2 GROUP BY 1') == [(256, 2_500)]


@pytest.mark.sqlite
async def test_opening_again_changes_nothing(open_ground: Callable[..., Any]) -> None:
    ground: Ground = await open_ground()
    await ground.add(1)
    await ground.store.close()
    before = schema(ground.path)
    again: Ground = await open_ground()
    assert schema(ground.path) == before
    assert await again.ids() == ["da0001"]
    assert again.tenant == ground.tenant


@pytest.mark.sqlite
async def test_a_newer_schema_is_refused_and_left_alone(open_ground: Callable[..., Any], clock: Clock) -> None:
    ground: Ground = await open_ground()
    await ground.store.close()
    newer = max(migrations()) + 1
    change(ground.path, f"PRAGMA user_version = {newer}", "DROP TABLE incidents")
    before = schema(ground.path)
    with pytest.raises(UsageError, match="newer version"):
        open_store(ground.path, load(), clock)
    assert schema(ground.path) == before
    assert rows(ground.path, "PRAGMA user_version") == [(newer,)]


def test_migrations_are_numbered_from_one_without_gaps() -> None:
    assert list(migrations()) == list(range(1, len(migrations()) + 1))


# --- files that are not ours ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [
    b"not a database" * 100, b"\x00" * 4096, b"SQLite format 3\x00" + b"\xff" * 4096, b"<html></html>" + b" " * 1024,
], ids=["text", "zeros", "broken", "html"])  # fmt: skip
def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path, clock: Clock, content: bytes) -> None:
    path = tmp_path / "test.db"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="not a secgraph database"):
        open_store(path, load(), clock)
    assert path.read_bytes() == content


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "test.db"
    change(path, "CREATE TABLE tenants (name TEXT)", "INSERT INTO tenants VALUES ('kept')")
    before = schema(path)
    with pytest.raises(UsageError):
        open_store(path, load(), clock)
    assert schema(path) == before


def test_a_folder_and_a_file_in_no_folder_are_refused(tmp_path: Path, clock: Clock) -> None:
    for path in (tmp_path, tmp_path / "none" / "test.db"):
        with pytest.raises(UsageError):
            open_store(path, load(), clock)


@pytest.mark.skipif(os.geteuid() == 0, reason="cannot be had here: root may write to every file")
def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "test.db"
    path.touch()
    path.chmod(0o400)
    with pytest.raises(UsageError):
        open_store(path, load(), clock)


async def test_an_empty_file_becomes_a_database(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "test.db"
    path.touch()
    store = open_store(path, load(), clock)
    assert await store.fetch("tenants") == []
    await store.close()


# --- originals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("original", [b"", b"{}", b"\x00\xff\xfe", "Zoë".encode(), b"a" * 1_000_000, bytes(range(256)) * 100])
async def test_an_original_comes_back_byte_by_byte(ground: Ground, original: bytes) -> None:
    await ground.add(1)
    await ground.write(PutEntry("da0001", "mde", "microsoft", "N1", 5, 7, repaired=True, kept=kept({"a": 1}, original)))
    [found] = await ground.store.originals(ScopedKey(ground.tenant.number, ALERTS, "DA0001"))
    assert found.data == original
    assert (found.source, found.product, found.native_id, found.updated, found.received, found.repaired) == (
        "mde", "microsoft", "N1", 5, 7, True,
    )  # fmt: skip
    [(stored, normalised)] = ground.place.rows("SELECT original, normalised FROM entries")
    assert zlib.decompress(stored) == original
    assert len(original) < 1000 or len(stored) < len(original) / 10
    assert unpacked(normalised, stored) == {"a": 1}


async def test_each_source_keeps_its_last_original(ground: Ground) -> None:
    await ground.add(1)
    for source, original in (("b", b"1"), ("a", b"2"), ("b", b"3")):
        await ground.write(PutEntry("da0001", source, "p", "n", None, 0, repaired=False, kept=kept({}, original)))
    found = await ground.store.originals(ScopedKey(ground.tenant.number, ALERTS, "da0001"))
    assert [(one.source, one.data) for one in found] == [("a", b"2"), ("b", b"3")]


async def test_originals_of_another_tenant_stay_there(ground: Ground) -> None:
    other = await ground.registry.create_tenant("fabrikam")
    for tenant in (ground.tenant, other):
        await ground.add(1, tenant)
    await ground.write(PutEntry("da0001", "a", "p", "n", None, 0, repaired=False, kept=kept({}, b"1")))
    assert await ground.store.originals(ScopedKey(other.number, ALERTS, "da0001")) == []


async def test_nothing_is_kept_of_what_is_said_of_an_alert_that_is_not_there(ground: Ground) -> None:
    with pytest.raises(Fault, match="da0001"):
        await ground.write(PutEntry("da0001", "a", "p", "n", None, 0, repaired=False, kept=kept({}, b"1")))
    assert ground.place.rows("SELECT count(*) FROM entries") == [(0,)]


async def test_entries_from_before_they_were_packed_come_along(tmp_path: Path, clock: Clock) -> None:
    """The file of an earlier version: what a source said, as text, and its original in a table of its own."""
    path = tmp_path / "old.db"
    one = load().sets[ALERTS]
    with closing(connect(path, write=True)) as connection:
        connection.pragma("application_id", APPLICATION)
        connection.execute("BEGIN")
        for number in range(1, 5):
            if number == 3:
                for stored in load().stored():
                    connection.execute(create_table(stored))
            for text in migrations()[number]:
                connection.execute(text)
        document, _ = check.from_source(one.type, {"id": "da0001", "createdDateTime": CREATED, "severity": "high"}, CREATED)
        for tenant, key, born in ((1, "da0001", 77), (1, "da0002", 0), (1, "da0003", 0), (2, "da0001", 0)):
            written = {**document, "id": key, "lastUpdateDateTime": real_clock.text(int(key[-1]) * 10)}
            columns = {item.name: encoder(item)(written[item.name]) for item in one.columns()}
            names = ", ".join(f'"{name}"' for name in columns)
            marks = ", ".join("?" * len(columns))
            connection.execute(f'INSERT INTO "alerts_v2" (tenant, id, seq, doc, born, {names}) VALUES (?, ?, 1, ?, ?, {marks})',
                               (tenant, key, msgspec.json.encode(written).decode(), born, *columns.values()))  # fmt: skip
            connection.execute("INSERT INTO entries VALUES (?, ?, 'mde', 'p', 'n', 5, 7, 0, ?)", (tenant, key, f'{{"title": "{tenant} {key}"}}'))
            connection.execute("INSERT INTO originals VALUES (?, ?, 'mde', ?)", (tenant, key, zlib.compress(key.encode())))
        connection.execute("COMMIT")
        connection.pragma("user_version", 4)
    store = open_store(path, load(), clock)
    try:
        for tenant, key in ((1, "da0001"), (1, "da0002"), (1, "da0003"), (2, "da0001")):
            [found] = await store.originals(ScopedKey(tenant, ALERTS, key))
            assert found.data == key.encode()
    finally:
        await store.close()
    packed = rows(path, 'SELECT a.id, e.normalised FROM entries e JOIN "alerts_v2" a ON a.tenant = e.tenant AND a.born = e.born WHERE e.tenant = 1')
    assert {key: unpacked(data, b"") for key, data in packed} == {key: {"title": f"1 {key}"} for key in ("da0001", "da0002", "da0003")}
    assert rows(path, 'SELECT tenant, "severity", many FROM "alerts_v2_tally" ORDER BY tenant') == [(1, 256, 3), (2, 256, 1)]
