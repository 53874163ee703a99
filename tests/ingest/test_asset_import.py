"""A file of assets: what its rows say, what is taken, what is refused and why; the same file twice changes nothing."""

from __future__ import annotations

import io
import tracemalloc
from typing import IO, Any

import pytest
from tests.ingest.conftest import Intake

from secgraph.errors import UsageError
from secgraph.ingest.assets import bring as bringing
from secgraph.ingest.assets import register
from secgraph.ingest.assets.bring import Brought, bring
from secgraph.ingest.assets.known import Assets
from secgraph.ingest.assets.sheet import COLUMNS, LONGEST, Row, Unread, rows
from secgraph.model.choices import ASSETS

SID = "S-1-5-21-1004336348-1177238915-682003330-512"


def read(text: str | bytes) -> list[Row | Unread]:
    return list(rows(io.BytesIO(text if isinstance(text, bytes) else text.encode())))


def reasons(text: str | bytes) -> list[tuple[int, str]]:
    return [(one.line, one.reason) for one in read(text) if isinstance(one, Unread)]


async def take(intake: Intake, text: str | bytes) -> Brought:
    stream = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    return await bring(Assets(intake.store, intake.clock), intake.tenant.number, stream)


def counts(report: Brought) -> tuple[int, int, int, int]:
    return report.created, report.changed, report.unchanged, len(report.refused) + report.more_refused


# --- rows ------------------------------------------------------------------------------------------------------------------


def test_a_row_says_what_its_cells_say() -> None:
    [row] = read("ID, Display-Name ,UPN,sid,address,tags,owner,description\r\n"
                 f'Anna.01,"Anna, the ""boss""",anna@contoso.com; a@b.example ;,{SID},-,vip;x,,"two\nlines"\r\n')  # fmt: skip
    assert isinstance(row, Row)
    assert (row.line, row.id) == (2, "anna.01")
    assert row.plain == {"displayName": 'Anna, the "boss"', "tags": ["vip", "x"], "description": "two\nlines"}
    assert {kind: [one["value"] for one in held] for kind, held in row.aliases.items()} == {
        "userPrincipalName": ["anna@contoso.com", "a@b.example"], "sid": [SID], "address": [],
    }  # fmt: skip


@pytest.mark.parametrize(("cell", "value", "since", "until"), [
    ("10.0.0.5", "10.0.0.5", None, None), ("10.0.0.5 2026-01-01/2026-02-01", "10.0.0.5", "2026-01-01T00:00:00.0000000Z", "2026-02-01T00:00:00.0000000Z"),
    ("10.0.0.5  2026-01-01T09:30:00+01:00/", "10.0.0.5", "2026-01-01T08:30:00.0000000Z", None), ("10.0.0.5 /2026-02-01", "10.0.0.5", None, "2026-02-01T00:00:00.0000000Z"),
    ("10.0.0.5 /", "10.0.0.5", None, None), ("CONTOSO/anna", "CONTOSO/anna", None, None),
])  # fmt: skip
def test_an_alias_may_say_when_it_was_valid(cell: str, value: str, since: str | None, until: str | None) -> None:
    [row] = read(f"address\n{cell}\n")
    assert isinstance(row, Row)
    assert row.aliases["address"] == [{"kind": "address", "value": value, "validFromDateTime": since, "validUntilDateTime": until}]


def test_what_every_column_is_called() -> None:
    header = ",".join(COLUMNS)
    for spelled in (header, header.upper(), f"\ufeff{header}", header.replace("displayName", "name").replace("host,", "Host Name,").replace("address", "ip")):
        assert read(f"{spelled}\n") == []


@pytest.mark.parametrize(("text", "said"), [
    ("", "The file is empty"), ("id,colour\n", "names a column 'colour', which no asset has. Columns: id, displayName"), ("id,ID\n", "names a column twice: id"),
    ("name,owner\n", "names neither an id nor an alias"), ("id;name\n", "names a column 'id;name'"), ("id\tname\n", "names a column 'id"),
    ("id,na\x00me\n", "cannot be read: the line holds a NUL"), (b"\xff\xfei\x00d\x00\n\x00", "The file is UTF-16. Save it as CSV in UTF-8."),
    ("id,\n", "names a column ''"), (b"id,n\xe9\n", "cannot be read: the line is not UTF-8"), ('id,"na', "cannot be read: unexpected end of data"),
    ("x" * (LONGEST + 5), f"cannot be read: the line is longer than {LONGEST} bytes"),
])  # fmt: skip
def test_a_file_without_a_header_is_refused(text: str | bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        read(text)


@pytest.mark.parametrize(("line", "said"), [
    (b"a", "the row has 1 cells, and the first line 4"), (b"a,b,c,d,e", "the row has 5 cells"), (b"a b,,,", "id: 'a b' cannot be an id"),
    (b"a,high\x00,,", "the line holds a NUL"), (b"a,h\xffgh,,", "the line is not UTF-8"), (b"a,huge,,", "criticality: 'huge' is not a member"),
    (b"a,-,,", "criticality: cannot be none"), (b",,,10.0.0.1 then/now", "address: 'then' is no time. Write it as 2026-01-31"),
    (b"a,,," + b"x" * LONGEST, f"the line is longer than {LONGEST} bytes"), (b'a,,,"b"c', "',' expected after '\"'"), (b"a,,,b\rc", "new-line character seen"),
])  # fmt: skip
def test_a_bad_row_is_told_with_its_line_and_the_next_is_read(line: bytes, said: str) -> None:
    text = b"id,criticality,owner,address\nfirst,,,\n" + line + b"\nlast,,,10.0.0.1\n"
    [(number, reason)] = reasons(text)
    assert number == 3
    assert reason.startswith(said)
    assert [one.id for one in read(text) if isinstance(one, Row)] == ["first", "last"]


def test_a_cell_that_does_not_end_is_one_bad_row_and_takes_no_more_than_its_bound() -> None:
    text = b'id,owner\n"a,b\n' + b"".join(b"x%d,y\n" % number for number in range(50_000))
    found = read(text)
    assert isinstance(found[0], Unread)
    assert found[0].line == 2
    assert "field larger than field limit" in found[0].reason
    assert len(found) > 30_000
    assert isinstance(found[-1], Row)


class Endless(io.RawIOBase):
    """A stream of so many bytes of which nobody holds more than a piece."""

    def __init__(self, head: bytes, line: bytes, size: int) -> None:
        self._left, self._piece, self._head = size, line * max(1, 65_536 // len(line)), head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._head or self._piece[: min(len(buffer), self._left)]
        self._head, self._left = piece[len(buffer):] if self._head else b"", self._left - len(piece)
        buffer[: len(piece)] = piece
        return len(piece)


@pytest.mark.parametrize(("line", "size"), [(b"x", 64), (b'"' + b"x" * 60_000 + b"\n", 32), (b"a," + b"b" * 60_000 + b"\n", 32)],
                         ids=["one line", "quotes", "rows"])  # fmt: skip
def test_a_file_of_any_size_is_read_in_little_memory(line: bytes, size: int) -> None:
    stream: IO[bytes] = io.BufferedReader(Endless(b"id,owner\n", line, size * 1024 * 1024))
    tracemalloc.start()
    try:
        many = sum(1 for _ in rows(stream))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert many >= 1
    assert most < 4 * 1024 * 1024


# --- what is taken -----------------------------------------------------------------------------------------------------------

FILE = f"""\
id,name,upn,sid,host,fqdn,address,criticality,tags,owner
,Anna,anna@contoso.com,{SID},,,,high,VIP;payroll,
dc1,DC 1,,,DC1,dc1.contoso.com,10.0.0.5; 10.0.0.6 2026-01-01/2026-02-01,critical,DomainController,it@contoso.com
,,,,,,10.9.9.9,,scanner,
,,,,kiosk,,,low,,
"""


async def test_the_same_file_twice_changes_nothing(intake: Intake) -> None:
    assert counts(await take(intake, FILE)) == (4, 0, 0, 0)
    before, events = await intake.rows(ASSETS), await intake.events()
    assert [(one["displayName"], one["kind"], one["criticality"], one["tags"]) for one in before] == [
        ("Anna", "user", "high", ["payroll", "vip"]), ("DC 1", "device", "critical", ["domainController"]),
        (None, "device", "normal", ["scanner"]), (None, "device", "low", []),
    ]  # fmt: skip
    assert events == [("created", "assets", [])] * 4
    assert counts(await take(intake, FILE)) == (0, 0, 4, 0)
    assert (await intake.rows(ASSETS), await intake.events()) == (before, events)


async def test_a_row_changes_what_it_names_and_nothing_else(intake: Intake) -> None:
    await take(intake, FILE)
    changed = await take(intake, "upn,owner,tags\nANNA@contoso.com,hr,vip\n")
    assert counts(changed) == (0, 1, 0, 0)
    [anna] = await intake.rows(ASSETS, filter="kind eq 'user'")
    assert (anna["displayName"], anna["criticality"], anna["owner"], anna["tags"]) == ("Anna", "high", "hr", ["vip"])
    assert [one["kind"] for one in anna["aliases"]] == ["userPrincipalName", "sid"]
    await take(intake, "upn,sid,owner,tags\nanna@contoso.com,-,-,\n")
    [anna] = await intake.rows(ASSETS, filter="kind eq 'user'")
    assert (anna["owner"], anna["tags"], [one["kind"] for one in anna["aliases"]]) == (None, ["vip"], ["userPrincipalName"])
    await take(intake, "id,address,fqdn\nDC1,10.0.0.7,\n")
    [dc] = await intake.rows(ASSETS, filter="id eq 'dc1'")
    assert [one["value"] for one in dc["aliases"]] == ["dc1.contoso.com", "DC1", "10.0.0.7"]


@pytest.mark.parametrize(("row", "created"), [
    ("x,fqdn,DC1.contoso.com.", None), (",fqdn,dc1.CONTOSO.com", "changed"), (",host,kiosk", "changed"), (",address,10.9.9.9", "changed"),
    (",host,other", "created"), ("new,host,other", "created"), ("dc1,host,other", "changed"), (",upn,other@contoso.com", "created"),
])  # fmt: skip
async def test_an_asset_is_known_again_by_its_id_or_an_alias(intake: Intake, row: str, created: str | None) -> None:
    await take(intake, FILE)
    key, column, cell = row.split(",")
    report = await take(intake, f"id,{column},description\n{key},{cell},again\n")
    if created is None:
        [fault] = report.refused
        assert fault.reason.startswith("fqdn 'DC1.contoso.com.' cannot be of asset x: asset dc1 (DC 1) has it.")
    else:
        assert (report.refused, getattr(report, created)) == ([], 1)


async def test_a_row_with_a_strong_alias_is_not_another_asset_by_a_weak_one(intake: Intake) -> None:
    await take(intake, FILE)
    [fault] = (await take(intake, "fqdn,address\nother.contoso.com,10.0.0.5\n")).refused
    assert "address '10.0.0.5' cannot be of asset" in fault.reason
    assert "asset dc1 (DC 1) has it" in fault.reason
    assert counts(await take(intake, "fqdn,address\nother.contoso.com,10.0.0.6 2026-02-01/\n")) == (1, 0, 0, 0)


async def test_what_cannot_be_taken_is_told_and_the_rest_is_taken(intake: Intake) -> None:
    text = (
        "id,name,upn,sid,host,objectId\n"
        ",a,a@contoso.com,,,\n"                      # 2
        ",b,nobody,,,\n"                             # 3
        ",c,c@contoso.com,,host,\n"                  # 4
        ",d,A@contoso.com,,,\n"                      # 5: of line 2
        "e,E e,a@CONTOSO.com,,,\n"                    # 6
        ",f,f@contoso.com\n"                         # 7
        ",g,,,,\n"                                   # 8
        ",h,,,,0f0e0d0c-1111-2222-3333-444455556666\n"  # 9
        f",i,i@contoso.com,{SID},,\n"                # 10
        f",j,a@contoso.com;i@contoso.com,,,\n"       # 11
        "=cmd,k,k@contoso.com,,,\n"                  # 12
        ",=HYPERLINK(1),l@contoso.com,,,\n"          # 13
    )
    report = await take(intake, text)
    assert counts(report)[0] == 3
    told = {one.line: one.reason for one in report.refused}
    assert list(told) == [3, 4, 5, 6, 7, 8, 9, 11, 12]
    for line, said in {
        3: "aliases/0/value: 'nobody' is not a user principal name", 4: "kind: is missing, and no kind of asset has all", 5: "it is the same asset as line 2",
        6: "userPrincipalName 'a@CONTOSO.com' cannot be of asset e (E e): asset ", 7: "the row has 3 cells", 8: "The row has neither an id nor an alias",
        9: "kind: is missing, and its aliases may be those of any of user, device, application", 11: "it has aliases of more than one asset: asset ",
        12: "id: '=cmd' cannot be an id",
    }.items():  # fmt: skip
        assert told[line].startswith(said), told[line]
    assert [one["displayName"] for one in await intake.rows(ASSETS)] == ["a", "i", "=HYPERLINK(1)"]


async def test_a_file_is_taken_in_steps(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bringing, "STEP", 3)
    monkeypatch.setattr(bringing, "LISTED", 2)
    text = "id,host\n" + "".join(f"a{number},h{number % 8}\n" for number in range(12)) + "a0,other\n"
    report = await take(intake, text)
    assert counts(report) == (8, 0, 0, 5)
    assert ([one.line for one in report.refused], report.more_refused) == ([10, 11], 3)
    assert {one["id"] for one in await intake.rows(ASSETS)} == {f"a{number}" for number in range(8)}


async def test_an_inventory_has_an_end(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "MOST", 3)
    report = await take(intake, "id,host\n" + "".join(f"a{number},h{number}\n" for number in range(5)))
    assert counts(report) == (3, 0, 0, 2)
    assert report.refused[0].reason.startswith("The inventory holds 3 assets, and takes no more")
    assert counts(await take(intake, "id,owner\na0,ana\na9,ana\n")) == (0, 1, 0, 1)
