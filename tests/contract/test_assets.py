"""The inventory over HTTP: made, changed, taken away, asked like every set, and never one alias of two assets at one time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from secgraph.testing import ORIGIN, Graph

ASSETS = "security/assets"
SID = "S-1-5-21-1004336348-1177238915-682003330-512"
ID = "0f0e0d0c-1111-2222-3333-444455556666"

pytestmark = pytest.mark.asyncio(loop_scope="module")

_numbers = itertools.count(1)


def alias(kind: str, value: str, since: str | None = None, until: str | None = None) -> dict[str, Any]:
    return {"kind": kind, "value": value, "validFromDateTime": since, "validUntilDateTime": until}


def fresh() -> dict[str, Any]:
    """An alias that no other asset of these tests has."""
    return alias("host", f"fresh{next(_numbers)}")


async def made(graph: Graph, **members: Any) -> dict[str, Any]:
    answer = await graph.ask("POST", ASSETS, json={"aliases": [fresh()], **members})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


# --- made ---------------------------------------------------------------------------------------------------------------


async def test_an_asset_is_made_and_found_where_it_is_said_to_be(desk: Graph) -> None:
    answer = await desk.ask("POST", ASSETS, json={
        "id": "Anna.01", "displayName": " Anna ", "criticality": "High", "owner": "it@contoso.com", "tags": ["VIP", "payroll", "vip"],
        "aliases": [alias("sid", SID), alias("userPrincipalName", "Anna@Contoso.com"), alias("account", r"CONTOSO\anna")],
    })  # fmt: skip
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{ORIGIN}/v1.0/security/assets/anna.01"
    found = answer.json()
    assert found["@odata.context"] == f"{ORIGIN}/v1.0/$metadata#security/assets/$entity"
    assert {name: value for name, value in found.items() if "@" not in name and "DateTime" not in name} == {
        "id": "anna.01", "displayName": "Anna", "kind": "user", "criticality": "high", "owner": "it@contoso.com", "description": None,
        "tags": ["payroll", "vip"],
        "aliases": [alias("userPrincipalName", "Anna@Contoso.com"), alias("sid", SID), alias("account", r"CONTOSO\anna")],
    }  # fmt: skip
    assert await desk.get("security/assets('ANNA.01')") == found
    assert answer.headers["etag"] == found["@odata.etag"]


@pytest.mark.parametrize(("body", "kind"), [
    ({"aliases": [alias("appId", ID)]}, "application"), ({"aliases": [alias("macAddress", "00-15-5D-01-02-03")]}, "device"),
    ({"aliases": [alias("objectId", ID)], "kind": "user"}, "user"), ({"kind": "device"}, "device"),
    ({"kind": "device", "aliases": None, "displayName": None}, "device"),
])  # fmt: skip
async def test_a_kind_is_said_or_follows_from_the_aliases(desk: Graph, body: dict[str, Any], kind: str) -> None:
    found = await made(desk, **{"aliases": [], **body})
    assert (found["kind"], found["criticality"]) == (kind, "normal")
    assert (await desk.ask("DELETE", f"{ASSETS}/{found['id']}")).status_code == 204


@pytest.mark.parametrize(("body", "said"), [
    ([], "The body must be a JSON object"),
    ({"colour": "red"}, "colour: is not a member of secgraph.asset"),
    ({"id": 1}, "id: must be text"),
    ({"id": "delta"}, "id: 'delta' cannot be an id."),
    ({"id": "a/b"}, "id: 'a/b' cannot be an id."),
    ({"id": ""}, "id: '' cannot be an id."),
    ({"createdDateTime": "2026-01-01T00:00:00Z"}, "createdDateTime: is read-only"),
    ({}, "kind: is missing, and there is no alias to tell it."),
    ({"kind": "server"}, "kind: 'server' is not a member of secgraph.assetKind. Members: user, device, application."),
    ({"kind": None}, "kind: cannot be null"),
    ({"aliases": [alias("objectId", ID)]}, "kind: is missing, and its aliases may be those of any of user, device, application."),
    ({"aliases": [alias("host", "h"), alias("sid", SID)]}, "kind: is missing, and no kind of asset has all of these aliases: host, sid."),
    ({"kind": "user", "aliases": [fresh()]}, "aliases/0/kind: a user has no host. Aliases of a user: objectId"),
    ({"kind": "user", "aliases": [{"value": "x"}]}, "aliases/0/kind: is required"),
    ({"kind": "user", "aliases": [{"kind": "sid", "value": " "}]}, "aliases/0/value: is required"),
    ({"kind": "user", "aliases": [alias("sid", "S-1-5-18")]}, "aliases/0/value: 'S-1-5-18' is not a SID of a user"),
    ({"aliases": [fresh(), alias("address", "127.0.0.1")]}, "aliases/1/value: '127.0.0.1' is not an IP address that is not loopback"),
    ({"aliases": [alias("address", "10.0.0.256")]}, "aliases/0/value: '10.0.0.256' is not an IP address"),
    ({"aliases": [alias("fqdn", "WS1")]}, "aliases/0/value: 'WS1' is not a whole host name"),
    ({"aliases": [alias("host", "h\u202ex")]}, "aliases/0/value: 'h\\u202ex' is not a host name"),
    ({"aliases": [alias("host", "h" * 401)]}, "aliases/0/value: is longer than 400 characters"),
    ({"aliases": [alias("host", "h", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z")]}, "aliases/0/validUntilDateTime: is not after"),
    ({"aliases": [alias("host", "h", "yesterday")]}, "aliases/0/validFromDateTime: must be a date-time"),
    ({"aliases": [alias("address", f"10.3.0.{n}") for n in range(201)]}, "aliases: holds more than 200."),
    ({"kind": "device", "tags": [f"t{n}" for n in range(51)]}, "tags: holds more than 50."),
    ({"kind": "device", "tags": ["x" * 61]}, "tags/0: is longer than 60"),
    ({"kind": "device", "tags": ["x\x1b[31m"]}, "tags/0: holds characters that cannot be seen"),
    ({"kind": "device", "displayName": "a\nb"}, "displayName: holds characters that cannot be seen"),
    ({"kind": "device", "displayName": "a\x00b"}, "displayName: holds a NUL"),
    ({"kind": "device", "owner": "o" * 201}, "owner: is longer than 200"),
    ({"kind": "device", "criticality": "extreme"}, "criticality: 'extreme' is not a member of secgraph.assetCriticality. Members: low, normal, high, critical."),
])  # fmt: skip
async def test_what_is_no_asset_is_refused_with_the_reason(desk: Graph, body: Any, said: str) -> None:
    before = await desk.ids(ASSETS)
    answer = await desk.ask("POST", ASSETS, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"].startswith(said)
    assert await desk.ids(ASSETS) == before


# --- one alias of two ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), [
    (alias("userPrincipalName", "bo@contoso.com"), alias("userPrincipalName", " BO@CONTOSO.com.")),
    (alias("account", r"CONTOSO\cy"), alias("account", "contoso.local/CY")),
    (alias("fqdn", "bücher.example"), alias("fqdn", "xn--bcher-kva.EXAMPLE.")),
    (alias("address", "2001:db8::7"), alias("address", "2001:0DB8:0:0::0007")),
    (alias("macAddress", "00-15-5D-01-02-AA"), alias("macAddress", "0015.5d01.02aa")),
    (alias("host", "SRV7"), alias("host", "srv7")),
    (alias("address", "10.4.0.1", None, "2026-02-01T00:00:00Z"), alias("address", "10.4.0.1", "2026-01-31T00:00:00Z")),
])  # fmt: skip
async def test_no_two_assets_have_one_alias_however_it_is_written(desk: Graph, one: dict[str, Any], other: dict[str, Any]) -> None:
    first = await made(desk, displayName="First", aliases=[one])
    second = await made(desk)
    answers = (
        await desk.ask("POST", ASSETS, json={"id": "late", "displayName": "Late", "aliases": [other]}),
        await desk.ask("PATCH", f"{ASSETS}/{second['id']}", json={"kind": first["kind"], "aliases": [other]}),
    )
    for answer, late in zip(answers, ("asset late (Late)", f"asset {second['id']}"), strict=True):
        assert answer.status_code == 409, answer.text
        said = answer.json()["error"]["message"]
        assert f"cannot be of {late}: asset {first['id']} (First) has it." in said
    assert (await desk.ask("PATCH", f"{ASSETS}/{first['id']}", json={"aliases": []})).status_code == 200
    assert (await made(desk, aliases=[other]))["kind"] == first["kind"]


async def test_an_address_goes_from_one_asset_to_the_next(desk: Graph) -> None:
    await made(desk, aliases=[alias("address", "10.5.0.1", None, "2026-02-01T00:00:00Z"), alias("address", "10.5.0.1", "2026-05-01T00:00:00Z")])
    await made(desk, aliases=[alias("address", "10.5.0.1", "2026-02-01T00:00:00Z", "2026-05-01T00:00:00Z")])


async def test_what_an_alias_says_besides_may_be_of_two(desk: Graph) -> None:
    """The bare name of an account, the first label of a host: nobody claimed them."""
    await made(desk, aliases=[alias("userPrincipalName", "same@a.example"), alias("account", r"A\same")])
    await made(desk, aliases=[alias("userPrincipalName", "same@b.example")])
    await made(desk, aliases=[alias("fqdn", "same.a.example")])
    await made(desk, aliases=[alias("fqdn", "same.b.example")])


async def test_an_alias_that_is_given_twice_is_kept_once(desk: Graph) -> None:
    found = await made(desk, aliases=[alias("fqdn", "Twice.example"), alias("fqdn", "twice.EXAMPLE.")])
    assert found["aliases"] == [alias("fqdn", "Twice.example")]


async def test_of_two_that_come_at_once_one_is_refused(desk: Graph) -> None:
    wanted = alias("host", "contested")
    answers = await asyncio.gather(*(desk.ask("POST", ASSETS, json={"aliases": [wanted]}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]


# --- changed and taken away ------------------------------------------------------------------------------------------------


async def test_a_change_is_made_once(desk: Graph) -> None:
    before = await made(desk)
    answer = await desk.ask("PATCH", f"{ASSETS}/{before['id']}", json={"tags": ["DomainController", "x"], "owner": "ana", "criticality": "critical"})
    assert answer.status_code == 200, answer.text
    after = answer.json()
    assert (after["tags"], after["owner"], after["criticality"]) == (["domainController", "x"], "ana", "critical")
    assert after["aliases"] == before["aliases"]
    assert after["lastUpdateDateTime"] > before["lastUpdateDateTime"]
    for again in ({"tags": ["x", "DOMAINCONTROLLER"]}, after, {}):
        same = await desk.ask("PATCH", f"{ASSETS}/{before['id']}", json=again)
        assert same.status_code == 200, same.text
        assert same.headers["etag"] == after["@odata.etag"]
    stale = await desk.ask("PATCH", f"{ASSETS}/{before['id']}", json={"owner": "bo"}, headers={"if-match": before["@odata.etag"]})
    assert stale.status_code == 412
    quiet = await desk.ask("PATCH", f"{ASSETS}/{before['id']}", json={"owner": None}, headers={"prefer": "return=minimal"})
    assert (quiet.status_code, quiet.content) == (204, b"")
    assert (await desk.get(f"{ASSETS}/{before['id']}"))["owner"] is None


@pytest.mark.parametrize(("body", "said"), [
    ({"kind": "user"}, "aliases/0/kind: a user has no host"), ({"kind": None}, "kind: cannot be null"), ({"id": "x"}, "id: is read-only"),
    ({"aliases": [{"kind": "host"}]}, "aliases/0/value: is required"), ({"criticality": None}, "criticality: cannot be null"),
    ({"tags": ["\x7f"]}, "tags/0: holds characters that cannot be seen"), ([], "The body must be a JSON object"),
])  # fmt: skip
async def test_a_change_that_cannot_be_is_refused(desk: Graph, body: Any, said: str) -> None:
    before = await made(desk)
    answer = await desk.ask("PATCH", f"{ASSETS}/{before['id']}", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"].startswith(said)
    assert (await desk.get(f"{ASSETS}/{before['id']}"))["@odata.etag"] == before["@odata.etag"]


async def test_an_asset_is_taken_away_and_its_alias_is_free(desk: Graph) -> None:
    before = await made(desk)
    place = f"{ASSETS}/{before['id']}"
    assert (await desk.ask("DELETE", place, headers={"if-match": 'W/"0"'})).status_code == 412
    gone = await desk.ask("DELETE", place, headers={"if-match": before["@odata.etag"]})
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        answer = await desk.ask(method, place, json=None if method != "PATCH" else {})
        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == f"There is no asset '{before['id']}' in this tenant."
    await made(desk, id=before["id"], aliases=before["aliases"])


async def test_an_id_is_given_once(desk: Graph) -> None:
    await made(desk, id="once")
    answer = await desk.ask("POST", ASSETS, json={"id": "ONCE", "kind": "device"})
    assert answer.status_code == 409
    assert answer.json()["error"]["message"].startswith("There is an asset 'once' already.")


# --- asked ------------------------------------------------------------------------------------------------------------------


def questions() -> Iterator[Any]:
    yield from (
        ("criticality ge 'high'", ["q1", "q2"]), ("criticality eq 'low'", ["q4"]), ("kind eq 'user'", ["q1"]), ("owner eq 'IT'", ["q2", "q3"]),
        ("tags/any(t: t eq 'vip')", ["q1"]), ("tags/any(t: t eq 'DOMAINCONTROLLER')", ["q2"]), ("not tags/any()", ["q3", "q4"]),
        ("aliases/any(a: a/value eq 'Q1@contoso.com')", ["q1"]), ("aliases/any(a: a/kind eq 'address' and startswith(a/value, '10.6.'))", ["q2", "q3"]),
        ("aliases/any(a: a/validUntilDateTime lt 2026-03-01T00:00:00Z)", ["q3"]), ("aliases/$count gt 1", ["q2"]),
    )  # fmt: skip


@pytest.mark.parametrize(("condition", "ids"), list(questions()))
async def test_a_filter_finds_assets(desk: Graph, condition: str, ids: list[str]) -> None:
    if (await desk.ask("GET", f"{ASSETS}/q1")).status_code == 404:
        await made(desk, id="q1", criticality="high", tags=["vip"], aliases=[alias("userPrincipalName", "q1@contoso.com")])
        await made(desk, id="q2", criticality="critical", owner="it", tags=["domainController"], aliases=[alias("fqdn", "q2.example"), alias("address", "10.6.0.1")])
        await made(desk, id="q3", owner="It", aliases=[alias("address", "10.6.0.2", None, "2026-02-01T00:00:00Z")])
        await made(desk, id="q4", criticality="low", kind="application", aliases=[])
    mine = "startswith(id, 'q')"
    assert await desk.ids(ASSETS, filter=f"{mine} and ({condition})", orderby="id") == ids
    count = await desk.ask("GET", f"{ASSETS}/$count", params={"$filter": f"{mine} and ({condition})"})
    assert int(count.text) == len(ids)
    assert await desk.ids(ASSETS, search="q2.example") == ["q2"]
    page = await desk.get(ASSETS, filter=mine, orderby="displayName desc", top="1", select="id,aliases", count="true")
    assert (page["@odata.count"], len(page["value"]), "@odata.nextLink" in page) == (4, 1, True)


async def test_what_changed_is_followed(desk: Graph) -> None:
    _, link = await desk.changes(f"{ASSETS}/delta()")
    one, other = await made(desk), await made(desk)
    await desk.ask("PATCH", f"{ASSETS}/{one['id']}", json={"owner": "x"})
    told, link = await desk.changes(link)
    assert [(item["id"], item.get("owner")) for item in told] == [(other["id"], None), (one["id"], "x")]
    await desk.ask("DELETE", f"{ASSETS}/{other['id']}")
    told, link = await desk.changes(link)
    assert told == [{"id": other["id"], "@removed": {"reason": "deleted"}}]


async def test_a_level_says_all_that_can_be_said(desk: Graph) -> None:
    one = await made(desk)
    full = await desk.ask("GET", f"{ASSETS}/{one['id']}", headers={"accept": "application/json;odata.metadata=full"})
    assert full.json()["@odata.type"] == "#secgraph.asset"
    assert full.json()["@odata.editLink"].endswith(f"security/assets('{one['id']}')")
    assert full.json()["aliases"][0]["@odata.type"] == "#secgraph.assetAlias"
    assert full.json()["criticality@odata.type"] == "#secgraph.assetCriticality"


async def test_assets_of_one_tenant_are_none_of_another(desk: Graph) -> None:
    one = await made(desk, aliases=[alias("host", "shared-name")])
    registry = desk.core.registry
    other = await registry.create_tenant("assets-apart")
    application, secret = await registry.create_application(other, "theirs", desk.core.model.served_permissions())
    try:
        await desk.sign_in(application, secret, other)
        assert (await desk.ask("GET", f"{ASSETS}/{one['id']}")).status_code == 404
        await made(desk, aliases=[alias("host", "shared-name")])
        assert len(await desk.ids(ASSETS)) == 1
        await registry.delete_tenant(other)
    finally:
        await desk.sign_in()
    assert await desk.get(f"{ASSETS}/{one['id']}")
