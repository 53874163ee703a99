"""A copy into another database: everything, the same, in the order it can go on in, and nothing else's rows."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.contract.telling import one as told
from tests.contract.telling import tell

from secgraph.errors import UsageError
from secgraph.model.choices import SETS
from secgraph.model.edm import load
from secgraph.store.copying.copy import Copy, Side, expect_whole
from secgraph.store.copying.tables import OF_ALL, tables
from secgraph.store.facts import Case, Judged, Needs
from secgraph.store.found import Found
from secgraph.store.judgements import packed
from secgraph.store.layout import quoted
from secgraph.store.protocol import Back, Change, Decision, Put, PutCase, PutFound, PutJudged, PutSnapshot, Remove
from secgraph.store.registry import Registry
from secgraph.store.sqlite.file import connect, migrate
from secgraph.store.sqlite.side import copied_from, copied_into
from secgraph.store.sqlite.store import open_store
from secgraph.store.steps import Ask, Steps
from secgraph.testing import Clock, Graph, graph_alert, running

ALERTS, INCIDENTS = "security/alerts_v2", "security/incidents"
FILE = "secgraph.db"


def rows(path: Path, text: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(connect(path, write=False)) as connection:
        return connection.execute(text, values).fetchall()


def change(path: Path, *texts: str) -> None:
    with closing(connect(path, write=True)) as connection:
        for text in texts:
            connection.execute(text)


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that is copied, and of the sums."""
    names = {table.name: table.columns for table in tables().values()}
    for one in load().stored():
        if one.choices.tally:
            names[f"{one.table}_tally"] = ("tenant", "combination", *one.choices.tally, "many")
    listed = {name: ", ".join(map(quoted, columns)) for name, columns in names.items()}
    return {name: sorted(rows(path, f"SELECT {columns} FROM {name}"), key=repr) for name, columns in listed.items()}


def copied(source: Path, target: Path, *, discard: bool = False, lot: int = 7) -> dict[str, int]:
    with copied_from(source) as one, copied_into(target, load()) as other:
        return asyncio.run(Copy(one, other, lambda _: None, lot).run(Clock()(), discard=discard))


async def filled(graph: Graph) -> None:
    """Something in every table, of two tenants; a third one is gone."""
    await graph.hand_in("graph", *(graph_alert(number, title=f"Made-up alert {number} about Ünïcode {'x' * (number % 7)}",
                                               incidentId=f"{number % 5}", serviceSource=["microsoftSentinel", "unknown"][number % 2]) for number in range(1, 40)))  # fmt: skip
    ids = await graph.ids(ALERTS)
    for number, key in enumerate(ids[:20]):
        answer = await graph.ask("PATCH", f"{ALERTS}/{key}", json={"status": ["new", "inProgress", "resolved"][number % 3]})
        assert answer.status_code == 200
    for name in ("ws1", "ws2"):
        answer = await graph.ask("POST", "security/assets", json={"aliases": [{"kind": "host", "value": name}]})
        assert answer.status_code == 201
    await tell(graph, *(told(path, f"Key {number}", "2026-11-01T00:00:00Z", displayName=f"Ünïcode {number}", riskLevel="high")
                        for path, choices in SETS.items() if choices.sourced for number in range(3)))  # fmt: skip
    assert (await graph.ask("PATCH", "security/identities/healthIssues/key 1", json={"status": "closed"})).status_code == 200
    await graph.hand_in("graph", {"title": "nameless"}, status=200)
    registry = graph.core.registry
    other, gone = await registry.create_tenant("fabrikam"), await registry.create_tenant("gone")
    application, secret = await registry.create_application(other, "theirs", load().served_permissions())
    await graph.sign_in(application, secret, other)
    await graph.hand_in("graph", *(graph_alert(number, title="theirs") for number in range(20, 30)))
    await registry.delete_tenant(gone)
    await graph.sign_in()
    number = graph.tenant.number
    taken = Remove(load().sets[ALERTS], ids[-1], cause="retention")
    await graph.core.store.write(number, Needs(), lambda _: Decision([taken], None))
    judged = Judged(ids[0], "1", 1, -5, 2**61, packed((-(2**63), 7)), b"\0\xff")
    case = Case("1", 3, -5, 2**61, "series", "2", 9, outline=b"\0", apart=frozenset({"2"}))
    sent = Put(load().sets[ALERTS], await graph.get(f"{ALERTS}/{ids[0]}"), ("status",),
               back=Back("graph", "ü", {"status": "resolved", "comments": ["Ünï"]}))  # fmt: skip
    day = {**dict.fromkeys(load().sets["security/secureScores"].type.properties), "id": "t_2026-03-01", "azureTenantId": "t",
           "createdDateTime": "2026-03-01T00:00:00Z", "controlScores": [{"controlName": "ü", "score": 1.5, "lastSynced": "x"}]}  # fmt: skip
    kept: list[Change] = [sent, PutJudged(judged, ((7, "user.upn:x", "Ünï"),), b"\0why"), PutCase(case),
                          PutSnapshot(1, 3, b"\x80", "counting"),
                          Put(load().sets["security/secureScores"], day, (), created=True),
                          PutFound([Found("0a", "aws-x", "prowler", "", "x", "ü", 2**61, 0.1, None, "Ünï"),
                                    Found("0b", "mfa", "graph", "t", "y", "", -5, None, 2.5, "")])]  # fmt: skip
    await graph.core.store.write(number, Needs(), lambda _: Decision(kept, None))
    await graph.core.store.run(
        ("retention_put", {"tenant": number, "kind": "alerts", "days": 30}),
        ("correlation_put", {"tenant": number, "name": "window", "value": "1"}),
        ("certificate_add", {"tenant": number, "client": graph.application.id, "sha256": "a", "sha1": "b", "subject": "CN=x", "starts": 1,
                             "ends": 2, "created": 3, "der": b"\0\1\xff"}),
        ("assertion_add", {"tenant": number, "client": graph.application.id, "jti": "j", "content": "c", "first": 1, "ends": 2}),
        ("source_state_put", {"tenant": number, "source": "graph", "vendor": "v", "provider": "p", "status": 400, "latency": 1, "since": 2}),
        ("source_add", {"tenant": number, "guid": graph.tenant.id, "name": "s", "kind": "mde", "road": "pull", "options": '{"a":"ü"}', "sealed": b"\0\xff",
                        "hook": "h", "paused": 1, "every": 2, "silence": 3, "number": 4}),
        ("source_place_put", {"tenant": number, "name": "s", "number": 4, "place": "{}"}),
        ("source_health_add", {"tenant": number, "name": "s", "asked": 1, "succeeded": 2, "failed": 3, "reason": "ü", "failures": 4, "heard": 5,
                               "newest": 6, "taken": 7, "unchanged": 8, "rejected": 9}),
        ("source_rates_add", {"tenant": number, "name": "s", "hour": 1, "taken": 2, "unchanged": 3, "rejected": 4}),
        ("fact_put", {"name": "restored", "value": "1 2"}), ("fact_put", {"name": "a", "value": "1"}), ("fact_put", {"name": "z", "value": ""}),
    )  # fmt: skip


@pytest.fixture
async def source(tmp_path: Path, clock: Clock) -> Path:
    """A database with something in every table, which nothing has open."""
    async with running(tmp_path / "source", clock) as graph:
        await filled(graph)
    return tmp_path / "source" / FILE


# --- which tables there are ----------------------------------------------------------------------------------------------


def test_every_table_is_known() -> None:
    """A table that comes along is copied by itself where its key begins with the tenant; whoever adds one adds it here."""
    assert list(tables()) == [
        "tenants", "alerts_v2", "apart", "applications", "assertions", "assets", "cases", "certificates", "correlation", "entities", "entries", "events", "facts", "findings",
        "healthIssues", "identityAccounts", "incident_keys", "incidents", "postings", "reasons", "rejected", "removed", "retention",
        "riskDetections", "riskyUsers", "score_entries", "secrets", "secureScoreControlProfiles", "secureScores", "sensors", "signing_keys", "snapshots",
        "source_health", "source_places", "source_rates", "source_states", "sources", "subjects", "upstreamSecureScores", "write_backs",
    ]  # fmt: skip
    assert {name for name, table in tables().items() if not table.of_tenant} == set(OF_ALL)


def test_nothing_else_lies_in_the_schema(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "any.db", write=True)) as connection:
        migrate(connection, load())
        found = {str(row[0]) for row in connection.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow'")}
    derived = {f"{one.table}_{kind}" for one in load().stored() for kind in ("words", "tally") if one.choices.tally or (kind == "words" and one.choices.search)}
    assert found - {"sqlite_schema", "leases"} == {*tables(), *derived}


async def test_the_source_of_these_tests_has_rows_in_every_table(source: Path) -> None:
    assert [name for name, found in content(source).items() if not found] == []


# --- a copy --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lot", [1, 7, 500])
def test_a_copy_of_a_copy_is_the_same(source: Path, tmp_path: Path, lot: int) -> None:
    found = copied(source, tmp_path / "one.db", lot=lot)
    copied(tmp_path / "one.db", tmp_path / "two.db")
    assert content(source) == content(tmp_path / "one.db") == content(tmp_path / "two.db")
    assert found == {name: len(some) for name, some in content(source).items() if not name.endswith("_tally")}
    assert rows(tmp_path / "one.db", "PRAGMA integrity_check") == [("ok",)]


async def answers(graph: Graph) -> dict[str, bytes]:
    """What the API says, by what it was asked."""
    found = {}
    for path in (
        f"{ALERTS}?$top=999", f"{ALERTS}?$search=ünïcode&$top=999", f"{ALERTS}?$search=xxxxx&$orderby=createdDateTime", f"{INCIDENTS}?$expand=alerts&$top=50",
        f"{ALERTS}/$count?$filter=severity eq 'medium' and status eq 'resolved'", f"{ALERTS}?$filter=status eq 'inProgress'&$count=true&$top=2",
        f"{INCIDENTS}/$count?$filter=status eq 'active'", "security/alerts?$top=100",
    ):  # fmt: skip
        answer = await graph.ask("GET", path)
        assert answer.status_code in {200, 206}, path
        found[path] = answer.content + answer.headers.get("warning", "").encode()
    return found


async def test_who_was_there_goes_on_as_before(tmp_path: Path, clock: Clock) -> None:
    async with running(tmp_path / "source", clock) as graph:
        await filled(graph)
        before = await answers(graph)
        page = (await graph.get(ALERTS, top="2"))["@odata.nextLink"]
        delta = (await graph.changes(f"{ALERTS}/delta()"))[1]
        token, tenant = graph.headers, graph.tenant
        form = {"client_id": graph.application.id, "client_secret": graph.secret, "grant_type": "client_credentials",
                "scope": "https://graph.microsoft.com/.default"}  # fmt: skip
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "seal.key").write_bytes((tmp_path / "source" / "seal.key").read_bytes())
    await asyncio.to_thread(copied, tmp_path / "source" / FILE, tmp_path / "target" / FILE)
    async with running(tmp_path / "target", clock) as graph:
        graph.headers = token
        assert await answers(graph) == before
        assert (await graph.ask("GET", page)).status_code == 200
        assert await graph.changes(delta) == ([], json.loads((await graph.ask("GET", delta)).content)["@odata.deltaLink"])
        assert (await graph.http.post(f"/{tenant.id}/oauth2/v2.0/token", data=form)).status_code == 200
        await graph.hand_in("graph", graph_alert(900, title="after"))
        assert [item["title"] for item in (await graph.changes(delta))[0]] == ["after"]
        assert len(await graph.ids(ALERTS, search="after")) == 1
        assert (await graph.core.registry.create_tenant("later")).number == 4


# --- broken off ----------------------------------------------------------------------------------------------------------


class BrokenOffError(Exception):
    """The process ends here."""


@dataclass
class Ending:
    """A side that ends after so many writes, before the next one or behind it."""

    side: Side
    left: int
    name: str = ""
    behind: bool = False
    written: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dialect, self.database = self.side.dialect, self.side.database

    def searchable(self, table: str, tenant: int) -> Ask:
        return self.side.searchable(table, tenant)

    async def read(self, steps: Steps[Any]) -> Any:
        return await self.side.read(steps)

    async def write(self, steps: Steps[Any]) -> Any:
        if len(self.written) == self.left:
            if self.behind:
                await self.side.write(steps)
            raise BrokenOffError
        self.written.append(1)
        return await self.side.write(steps)


def broken_off(source: Path, target: Path, left: int, *, behind: bool = False, discard: bool = False) -> int:
    """Copies until the end comes; how many writes there were."""
    with copied_from(source) as one, copied_into(target, load()) as other:
        ending: Side = Ending(other, left, "target", behind)
        asyncio.run(Copy(one, ending, lambda _: None, 7).run(0, discard=discard))
        return len(getattr(ending, "written", []))


@pytest.mark.parametrize("behind", [False, True])
def test_a_copy_goes_on_where_it_was_broken_off(source: Path, tmp_path: Path, behind: bool) -> None:
    whole = broken_off(source, tmp_path / "whole.db", 10_000)
    assert whole > 40
    runs, ended = 0, False
    while not ended:
        with suppress(BrokenOffError):
            broken_off(source, tmp_path / "target.db", 2, behind=behind)  # the facts go over every time
            ended = True
        runs += 1
        assert runs < 2 * whole, "it does not come forward"
        if not ended and rows(tmp_path / "target.db", "SELECT 1 FROM facts WHERE name = 'copying'"):
            with pytest.raises(UsageError, match=r"part of a copy of .*source/secgraph.db, begun .*--discard"):
                open_store(tmp_path / "target.db", load(), Clock())
        else:
            ended = True
    assert runs >= (whole - 3) // (2 + behind), "something went over twice"
    assert content(tmp_path / "target.db") == content(source)


def test_what_was_begun_can_be_discarded(source: Path, tmp_path: Path) -> None:
    with pytest.raises(BrokenOffError):
        broken_off(source, tmp_path / "target.db", 25)
    change(source, "UPDATE tenants SET name = 'renamed' WHERE name = 'contoso'")
    with pytest.raises(BrokenOffError):
        broken_off(source, tmp_path / "target.db", 2, discard=True)
    with pytest.raises(UsageError, match="part of a copy"):
        open_store(tmp_path / "target.db", load(), Clock())
    copied(source, tmp_path / "target.db", discard=True)
    assert content(tmp_path / "target.db") == content(source)


@pytest.mark.parametrize(("text", "said"), [
    ("UPDATE tenants SET seq = seq + 1, stamp = stamp + 10 WHERE name = 'contoso'", "went from number"),
    ("UPDATE applications SET permissions = '[]'", "applications, keys or sources"),
    ("DELETE FROM signing_keys WHERE kind = 'links'", "applications, keys or sources"),
    ("INSERT INTO facts VALUES ('more', '1')", "applications, keys or sources"),
    ("UPDATE tenants SET guid = 'x' WHERE name = 'contoso'", "of something else"),
    ("UPDATE assertions SET first = 7", "Table assertions of tenant number 1 is not the same"),
    ("DELETE FROM rejected", "Table rejected of tenant number 1 is not the same: 0 rows"),
])  # fmt: skip
def test_a_source_that_moved_on_is_noticed(source: Path, tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BrokenOffError):
        broken_off(source, tmp_path / "target.db", 55)
    change(source, text)
    with pytest.raises(UsageError, match=said) as refused:
        copied(source, tmp_path / "target.db")
    assert "--discard" in str(refused.value)
    copied(source, tmp_path / "target.db", discard=True)
    assert content(tmp_path / "target.db") == content(source)


def test_what_is_written_to_the_source_meanwhile_is_not_in_the_copy(source: Path, tmp_path: Path) -> None:
    before = content(source)
    meanwhile = iter(range(10))

    def tick(_: int) -> None:
        for number in meanwhile:
            change(source, f"INSERT INTO facts VALUES ('later {number}', '1')", "UPDATE tenants SET seq = seq + 1")
            break

    with copied_from(source) as one, copied_into(tmp_path / "target.db", load()) as other:
        asyncio.run(Copy(one, other, tick, 7).run(0, discard=False))
    assert content(tmp_path / "target.db") == before != content(source)


# --- what a target may hold ----------------------------------------------------------------------------------------------


async def test_a_database_with_data_is_not_copied_into(source: Path, tmp_path: Path, clock: Clock) -> None:
    store = open_store(tmp_path / "target.db", load(), clock)
    await Registry(store, load(), clock).create_tenant("mine")
    await store.close()
    before = content(tmp_path / "target.db")
    for discard in (False, True):
        with pytest.raises(UsageError, match=r"holds data already \(tenants\)"):
            await asyncio.to_thread(copied, source, tmp_path / "target.db", discard=discard)
    assert content(tmp_path / "target.db") == before


def test_keys_alone_are_data(source: Path, tmp_path: Path) -> None:
    with copied_into(tmp_path / "target.db", load()):
        pass
    change(tmp_path / "target.db", "INSERT INTO signing_keys VALUES ('token', '0001', 1, x'00')")
    with pytest.raises(UsageError, match="holds data already"):
        copied(source, tmp_path / "target.db")


@pytest.mark.parametrize(("text", "said"), [
    ("UPDATE alerts_v2 SET doc = doc || ' ' WHERE rowid = 9", "Table alerts_v2 of tenant number 1 is not the same"),
    ("DELETE FROM events WHERE seq = 4", "Table events of tenant number 1"),
    ("UPDATE facts SET value = '7' WHERE name = 'z'", "Table facts is not the same"),
    ("DELETE FROM alerts_v2_words WHERE rowid = 9", "Of 38 rows of alerts_v2 37 can be searched"),
    ("UPDATE alerts_v2_tally SET many = many + 1 WHERE rowid = 1", "The sums of alerts_v2 are not those"),
])  # fmt: skip
def test_a_copy_that_came_out_otherwise_is_no_copy(source: Path, tmp_path: Path, text: str, said: str) -> None:
    total = sum(len(found) for name, found in content(source).items() if not name.endswith("_tally"))
    left = iter([total])

    def tick(_: int, seen: list[int] = []) -> None:  # noqa: B006 -- to count
        seen.append(_)
        if sum(seen) >= total and next(left, None):
            change(tmp_path / "target.db", text)

    with copied_from(source) as one, copied_into(tmp_path / "target.db", load()) as other, pytest.raises(UsageError, match=said):
        asyncio.run(Copy(one, other, tick, 7).run(0, discard=False))
    with pytest.raises(UsageError, match="part of a copy"):
        open_store(tmp_path / "target.db", load(), Clock())


@pytest.mark.parametrize("text", ["PRAGMA user_version = 5", "PRAGMA user_version = 99", "ALTER TABLE alerts_v2 DROP COLUMN touched"])
def test_a_source_of_another_version_is_refused(source: Path, tmp_path: Path, text: str) -> None:
    change(source, text)
    with pytest.raises(UsageError, match=r"another version .*Start its server"):
        copied(source, tmp_path / "target.db")
    assert not (tmp_path / "target.db").exists()


def test_no_mark_is_a_whole_database() -> None:
    expect_whole([], "any")


def test_no_statement_reads_the_rows_of_two_tenants(source: Path, tmp_path: Path) -> None:
    """Behind the look at what is there, every question about a tenant's table names the tenant."""
    asked: list[str] = []

    def hear(_: Any, text: str, __: Any) -> bool:
        asked.append(text)
        return True

    with copied_from(source) as one, copied_into(tmp_path / "target.db", load()) as other:
        for side in (one, other):
            connection = side._connection  # noqa: SLF001 -- to hear what it is asked
            connection.set_exec_trace(hear)
        asyncio.run(Copy(one, other, lambda _: None).run(0, discard=False))
    of_tenants = [table.name for table in tables().values() if table.of_tenant and table.name != "tenants"]
    read = [text for text in asked if text.startswith("SELECT") and any(f'FROM "{name}"' in text for name in of_tenants)]
    assert len(read) > 50
    assert [text for text in read if "tenant = ?" not in text and not text.endswith("LIMIT 4")] == []
