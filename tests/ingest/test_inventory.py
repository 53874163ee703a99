"""The inventory as alerts meet it: which entity is which asset, when, and what follows for its keys, its weight, and scanners."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from tests.ingest.conftest import Intake

from secgraph import clock
from secgraph.errors import Busy, Conflict
from secgraph.ingest.assets import known
from secgraph.ingest.assets.alias import SAYS, WAYS, identifies, keys
from secgraph.ingest.assets.inventory import Inventory, remembered
from secgraph.ingest.assets.known import Assets
from secgraph.ingest.assets.register import Register, made
from secgraph.ingest.correlate.link import judge
from secgraph.ingest.correlate.rarity import EMPTY
from secgraph.ingest.correlate.settings import Settings
from secgraph.ingest.correlate.subject import Subject
from secgraph.ingest.entities import Entity, entities, with_aliases
from secgraph.ingest.entities.entity import KINDS
from secgraph.model.choices import ASSETS
from secgraph.model.edm import EnumType, load
from secgraph.store.facts import Facts, Needs

SID = "S-1-5-21-1004336348-1177238915-682003330-512"
ID = "0f0e0d0c-1111-2222-3333-444455556666"
JANUARY, FEBRUARY, MARCH = (clock.ticks(f"2026-0{month}-01") or 0 for month in (1, 2, 3))
SPACE = "#microsoft.graph.security."


def read(*evidence: dict[str, Any]) -> list[Entity]:
    """What an alert with this evidence names."""
    return entities({"evidence": [{"@odata.type": f"{SPACE}{one.pop('is')}Evidence", **one} for one in evidence]})


def user(**members: Any) -> dict[str, Any]:
    return {"is": "user", "userAccount": members}


def alias(text: str) -> dict[str, Any]:
    """`kind value`, and behind them since and until."""
    kind, value, *times = text.split()
    since, until = (clock.wire(one) if one != "-" else None for one in (*times, "-", "-")[:2])
    return {"kind": kind, "value": value, "validFromDateTime": since, "validUntilDateTime": until}


def inventory(**assets: Any) -> Inventory:
    """An inventory of assets by id: aliases and tags (`#vip`), and a criticality (`!high`)."""
    found = Inventory()
    for place, (name, words) in enumerate(assets.items()):
        said = [one for one in words if one[0] not in "#!"]
        tags, grave = ([one[1:] for one in words if one[0] == mark] for mark in "#!")
        record = made(name, {"aliases": [alias(one) for one in said], "tags": tags, **({"criticality": grave[0]} if grave else {})}, 0)
        found.put(remembered(record, place + 1))
    return found


def named(known: Inventory, found: list[Entity], first: int = JANUARY, last: int = JANUARY) -> list[tuple[str, ...]]:
    """The keys of an alert's entities once the inventory was asked."""
    return [one.keys for one in with_aliases(found, known.aliases(found, first, last))]


# --- aliases -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name", "value", "found"), [
    ("user", "objectId", f" {{{ID.upper()}}} ", (f"user.id:{ID}",)),
    ("user", "userPrincipalName", "Anna@Contoso.com", ("user.upn:anna@contoso.com", "user.account:anna")),
    ("user", "account", r"CONTOSO\Anna", ("user.name:contoso/anna", "user.account:anna")),
    ("user", "account", "Anna", ("user.account:anna",)), ("user", "account", r"NT AUTHORITY\SYSTEM", ()), ("user", "account", "WS1$", ()),
    ("user", "sid", SID, (f"user.sid:{SID.lower()}",)), ("user", "sid", "S-1-5-32-544", ()), ("user", "host", "ws1", ()),
    ("device", "fqdn", "WS1.Contoso.com.", ("device.fqdn:ws1.contoso.com", "device.host:ws1")), ("device", "fqdn", "ws1", ()),
    ("device", "host", "WS1", ("device.host:ws1",)), ("device", "host", "localhost", ()), ("device", "host", "10.0.0.1", ()),
    ("device", "address", "10.0.0.1", ("ip.private:10.0.0.1",)), ("device", "address", "::ffff:203.0.113.9", ("ip.public:203.0.113.9",)),
    ("device", "address", "fe80::1", ()), ("device", "objectId", ID, (f"device.aad:{ID}",)), ("device", "deviceId", "AB12", ("device.mde:ab12",)),
    ("device", "macAddress", "00:15:5D:01:02:03", ("device.mac:00155d010203",)), ("device", "macAddress", "ff:ff:ff:ff:ff:ff", ()),
    ("device", "resourceId", "/Subscriptions/s/X", ("device.arm:/subscriptions/s/x",)),
    ("application", "appId", ID, (f"application.app:{ID}",)), ("application", "objectId", ID, (f"application.object:{ID}",)), ("application", "appId", "-", ()),
])  # fmt: skip
def test_an_alias_is_spelled_as_alerts_spell_it(kind: str, name: str, value: str, found: tuple[str, ...]) -> None:
    assert keys(kind, name, value) == found


def test_every_alias_is_one_of_some_asset_and_leads_to_a_key_that_there_is() -> None:
    told = load().types["secgraph.aliasKind"]
    assert isinstance(told, EnumType)
    assert set(told.members) - {"unknownFutureValue"} == {name for ways in WAYS.values() for name in ways} == set(SAYS)
    for ways in WAYS.values():
        for way in ways.values():
            assert all(kind.partition(".")[2] in KINDS[kind.partition(".")[0]] for kind in way.kinds)


@pytest.mark.parametrize(("key", "is_one"), [
    ("user.upn:a@b.example", True), ("user.account:a", False), ("device.fqdn:a.b", True), ("device.host:a", False), ("ip.public:203.0.113.1", False),
])  # fmt: skip
def test_which_alias_says_whose_it_is(key: str, is_one: bool) -> None:
    assert identifies(key) is is_one


# --- which entity is which asset ---------------------------------------------------------------------------------------------


def test_names_of_one_thing_by_several_products_become_one() -> None:
    known = inventory(
        anna=("userPrincipalName anna@contoso.com", f"sid {SID}", r"account CONTOSO\anna"),
        ws1=("fqdn ws1.contoso.com", "address 10.0.0.5", f"objectId {ID}"),
    )
    person = ("user.upn:anna@contoso.com", f"user.sid:{SID.lower()}", "user.name:contoso/anna", "user.account:anna")
    device = (f"device.aad:{ID}", "device.fqdn:ws1.contoso.com", "device.host:ws1", "ip.private:10.0.0.5")
    for one in (user(userSid=SID), user(accountName="anna", domainName="CONTOSO"), user(userPrincipalName="ANNA@contoso.com"), user(accountName="anna")):
        assert named(known, read(one)) == [person]
    for other in ({"is": "ip", "ipAddress": "10.0.0.5"}, {"is": "device", "deviceDnsName": "WS1.contoso.com"}, {"is": "device", "hostName": "ws1"}):
        found = read(other)
        assert named(known, found) == [device]
        assert [one.type for one in with_aliases(found, known.aliases(found, 0, 0))] == ["device"]
    both = read({"is": "device", "hostName": "ws1"}, {"is": "ip", "ipAddress": "10.0.0.5"})
    assert named(known, both) == [device], "a device and its address are one thing"
    stranger = read({"is": "ip", "ipAddress": "10.0.0.6"}, user(userPrincipalName="bo@contoso.com"))
    assert with_aliases(stranger, known.aliases(stranger, 0, 0)) is stranger


@pytest.mark.parametrize(("first", "last", "is_asset"), [
    (JANUARY, JANUARY, True), (JANUARY, FEBRUARY - 1, True), (JANUARY - 1, JANUARY, False), (FEBRUARY - 1, FEBRUARY, False), (FEBRUARY, MARCH, False),
])  # fmt: skip
def test_an_address_is_an_asset_s_while_it_was(first: int, last: int, is_asset: bool) -> None:
    known = inventory(one=("fqdn one.example", "address 10.0.0.5 2026-01-01 2026-02-01"), other=("fqdn other.example", "address 10.0.0.5 2026-03-01"))
    found = read({"is": "ip", "ipAddress": "10.0.0.5"})
    assert named(known, found, first, last) == [("device.fqdn:one.example", "device.host:one", "ip.private:10.0.0.5")
                                                if is_asset else ("ip.private:10.0.0.5",)]  # fmt: skip
    [keys_then] = named(known, read({"is": "device", "deviceDnsName": "one.example"}), first, last)
    assert ("ip.private:10.0.0.5" in keys_then) is is_asset
    [later] = named(known, found, MARCH, MARCH)
    assert later[0] == "device.fqdn:other.example"


def test_a_weak_name_makes_nothing_an_asset_that_a_better_one_denies() -> None:
    known = inventory(a=("fqdn ws1.a.example", "host ws1"))
    assert named(known, read({"is": "device", "deviceDnsName": "ws1.b.example"})) == [("device.fqdn:ws1.b.example", "device.host:ws1")]
    assert named(known, read({"is": "device", "hostName": "ws1"})) == [("device.fqdn:ws1.a.example", "device.host:ws1")]


def test_a_name_that_two_assets_could_have_is_nobody_s() -> None:
    known = inventory(a=("userPrincipalName jo@a.example",), b=("userPrincipalName jo@b.example",))
    assert named(known, read(user(accountName="jo"))) == [("user.account:jo",)]
    assert known.holder("user.account:jo", 0, 0) is None
    known = inventory(a=("userPrincipalName jo@a.example",), b=("account jo",))
    assert named(known, read(user(accountName="jo"))) == [("user.account:jo",)], "who has it as an alias has it"
    assert known.holder("user.account:jo", 0, 0) is known.get("b")


def test_of_two_assets_that_an_entity_could_be_the_stronger_name_tells() -> None:
    known = inventory(a=("userPrincipalName jo@a.example",), b=(f"sid {SID}",))
    found = read(user(userPrincipalName="jo@a.example", userSid=SID))
    assert {asset.id for asset in known.assets(found, 0, 0).values()} == {"a"}


# --- what follows ------------------------------------------------------------------------------------------------------------


def test_how_much_what_is_named_matters() -> None:
    known = inventory(a=("host a", "!low", "#vip"), b=("host b", "!critical", "#domainController"), c=("host c", "!high"))
    told = known.stake(read({"is": "device", "hostName": "a"}, {"is": "device", "hostName": "b"}, {"is": "device", "hostName": "x"}), 0, 0)
    assert told is not None
    assert told == ("critical", frozenset({"vip", "domainController"}))
    assert known.stake(read({"is": "device", "hostName": "x"}), 0, 0) is None


def test_the_keys_of_scanners() -> None:
    known = inventory(
        scan=("fqdn scan.example", "address 10.9.9.9", "address 10.9.9.8 2026-01-01 2026-02-01", "#scanner"), other=("fqdn scan.other.example",),
        ws=("host ws",),
    )  # fmt: skip
    always = {"device.fqdn:scan.example", "ip.private:10.9.9.9"}
    assert known.ignored(MARCH, MARCH) == always, "the bare name may be the other's"
    assert known.ignored(JANUARY, JANUARY) == {*always, "ip.private:10.9.9.8"}
    known.drop("other")
    assert known.ignored(MARCH, MARCH) == {*always, "device.host:scan"}
    known.drop("scan")
    assert known.ignored(JANUARY, JANUARY) == frozenset()


def linked(known: Inventory, *alerts: dict[str, Any]) -> bool:
    """Whether two alerts of one instant, each naming one thing, belong together by what the inventory says."""
    ignored = known.ignored(JANUARY, JANUARY)
    subjects = []
    for place, evidence in enumerate(alerts):
        found = read({"roles": ["compromised"], **evidence})
        named = with_aliases(found, known.aliases(found, JANUARY, JANUARY))
        subjects.append(Subject(f"a{place}", JANUARY, JANUARY, named, product=f"p{place}", detector=f"d{place}"))
    one, other = subjects
    return judge(one, other, EMPTY, Settings(ignored=ignored)) is not None


def test_alerts_that_name_one_thing_differently_belong_together_by_the_inventory() -> None:
    people = user(userSid=SID), user(userPrincipalName="anna@contoso.com")
    places = {"is": "ip", "ipAddress": "203.0.113.7"}, {"is": "device", "deviceDnsName": "gate.contoso.com"}
    aliases = {"anna": (f"sid {SID}", "userPrincipalName anna@contoso.com"), "gate": ("fqdn gate.contoso.com", "address 203.0.113.7")}
    for pair in (people, places):
        assert not linked(inventory(), *pair)
        assert linked(inventory(**aliases), *pair)
        assert not linked(inventory(**{name: (*said, "#scanner") for name, said in aliases.items()}), *pair)
    assert linked(inventory(), people[0], people[0])
    assert not linked(inventory(anna=(f"sid {SID}", "#scanner")), people[0], people[0])


def test_an_inventory_forgets_what_was_taken_away_or_written_anew() -> None:
    known = inventory(a=("host a", "fqdn a.example"), b=("fqdn a.other.example",))
    known.put(remembered(made("a", {"aliases": [alias("host z")]}, 0), 9))
    assert (len(known), known.with_key("device.fqdn:a.example")) == (2, ())
    assert [one.id for one in known.with_key("device.host:a")] == ["b"]
    known.drop("a", before=9)
    assert known.get("a") is not None, "it was written after it was taken away"
    for _ in range(2):
        known.drop("a", before=10)
        assert (len(known), known.with_key("device.host:z")) == (1, ())
    known.drop("b")
    assert not known
    sent = pickle.loads(pickle.dumps(inventory(a=("host a",))))  # noqa: S301 -- our own
    assert named(sent, read({"is": "device", "hostName": "A"})) == [("device.host:a",)]


# --- as processes see it -----------------------------------------------------------------------------------------------------


async def put(assets: Assets, tenant: int, name: str, *aliases: str) -> None:
    def decide(facts: Facts, register: Register) -> None:
        row = facts.rows.get((ASSETS, name))
        record = made(name, {"aliases": [alias(one) for one in aliases], "kind": "device"}, facts.now)
        register.put(record if row is None else {**row.record, "aliases": record["aliases"]}, row, "test")

    await assets.write(tenant, lambda _: Needs(rows=((ASSETS, name),)), decide)


async def remove(assets: Assets, tenant: int, name: str) -> None:
    await assets.write(tenant, lambda _: Needs(rows=((ASSETS, name),)), lambda _, register: register.remove(name, "test"))


async def test_another_process_notices_within_a_second(intake: Intake) -> None:
    tenant = intake.tenant.number
    mine, theirs = Assets(intake.store, intake.clock), Assets(intake.store, intake.clock)
    assert not await theirs.of(tenant)
    await put(mine, tenant, "a", "host a")
    await put(mine, tenant, "b", "host b")
    assert not await theirs.of(tenant), "it was asked a moment ago"
    for change, ids in ((None, {"a", "b"}), ("change", {"a", "b"}), ("remove", {"b"}), ("again", {"a", "b"})):
        if change == "change":
            await put(mine, tenant, "a", "host z")
        if change == "remove":
            await remove(mine, tenant, "a")
        if change == "again":
            await put(mine, tenant, "a", "host y")
        intake.clock.forward(1)
        found = await theirs.of(tenant)
        assert {name for name in "ab" if found.get(name)} == ids
        assert bool(found.with_key("device.host:a")) is (change is None)
        assert bool(found.with_key("device.host:z")) is (change == "change")
        assert await theirs.of(tenant) is found


async def test_a_removal_of_which_no_note_is_left_is_noticed(intake: Intake) -> None:
    tenant = intake.tenant.number
    mine, theirs = Assets(intake.store, intake.clock), Assets(intake.store, intake.clock)
    await put(mine, tenant, "a", "host a")
    assert await theirs.of(tenant)
    await remove(mine, tenant, "a")
    await put(mine, tenant, "b", "host b")
    stamp = (await intake.store.fetch("tenant_stamp", tenant=tenant))[0]["stamp"]
    await intake.store.run(("removed_prune", {"tenant": tenant, "stamp": stamp}), ("tenant_pruned", {"tenant": tenant, "stamp": stamp}))
    intake.clock.forward(1)
    found = await theirs.of(tenant)
    assert (found.get("a"), found.get("b") is not None) == (None, True)


async def test_an_inventory_larger_than_a_reading(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = intake.tenant.number
    monkeypatch.setattr(known, "READ", 2)
    mine = Assets(intake.store, intake.clock)
    for number in range(5):
        await put(mine, tenant, f"a{number}", f"host h{number}")
    for number in range(3):
        await remove(mine, tenant, f"a{number}")
    found = await Assets(intake.store, intake.clock).of(tenant)
    assert len(found) == len(await mine.fresh(tenant)) == 2


class Late(Assets):
    """Between its reading and its turn, another process takes an alias, so many times."""

    def __init__(self, intake: Intake, times: int) -> None:
        super().__init__(intake.store, intake.clock)
        self._others = Assets(intake.store, intake.clock)
        self._left = times

    async def fresh(self, tenant: int) -> Inventory:
        found = await super().fresh(tenant)
        if self._left:
            self._left -= 1
            await put(self._others, tenant, f"other{self._left}", f"host name{self._left}")
        return found


async def test_a_decision_never_rests_on_an_inventory_that_is_over(intake: Intake) -> None:
    tenant = intake.tenant.number
    with pytest.raises(Conflict, match="host 'name0' cannot be of asset mine: asset other0 has it"):
        await put(Late(intake, 1), tenant, "mine", "host name0")
    await put(Late(intake, 3), tenant, "mine", "host mine")
    assert await Assets(intake.store, intake.clock).fresh(tenant)
    with pytest.raises(Busy, match="Others change the inventory without a pause"):
        await put(Late(intake, 100), tenant, "late", "host late")
    assert (await Assets(intake.store, intake.clock).fresh(tenant)).get("late") is None


async def test_what_is_no_tenant_has_nothing(intake: Intake) -> None:
    assert not await Assets(intake.store, intake.clock).of(99)
