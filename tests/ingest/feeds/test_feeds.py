"""Configured sources: what can be said of one, what is kept of it, and whose it is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.ingest.feeds.conftest import SEAL, Ground
from tests.ingest.feeds.made_up import TOLD, Sentry

from secgraph.errors import UsageError
from secgraph.ingest.feeds.feed import Feed
from secgraph.ingest.feeds.feeds import Said
from secgraph.seal import Seal
from secgraph.store.registry import FRESH_SECONDS

COLUMNS = "tenant, name, kind, road, options, sealed, hook, paused, every, silence, number"


async def sentry(ground: Ground, name: str = "sentry", **said: Any) -> Feed:
    return await ground.feeds.add(ground.tenant, "sentry", name, Said(TOLD, **said))


# --- adding --------------------------------------------------------------------------------------------------------------


async def test_what_was_said_is_there_in_every_process(ground: Ground) -> None:
    made = await sentry(ground, every=30, silence=600)
    assert (made.road, made.every, made.silence, made.paused, dict(made.options)) == ("pull", 30, 600, False, TOLD)
    assert await ground.feeds.all() == await ground.feeds.of(ground.tenant.number) == [made]
    assert await ground.feeds.feed(ground.tenant.number, "sentry") == made
    assert await ground.feeds.known(ground.tenant.number, "sentry") == made


async def test_its_connector_is_told_everything_and_bears_its_name(ground: Ground) -> None:
    feeds = ground.feeds
    connector = feeds.connector(await sentry(ground, "roof"))
    assert isinstance(connector, Sentry)
    assert (connector.name, connector.url, connector.key) == ("roof", TOLD["url"], TOLD["key"])
    assert feeds.kinds.source("sentry").name == Sentry().name == "sentry"


async def test_a_kind_that_is_only_handed_in_takes_no_options(ground: Ground) -> None:
    made = await ground.feeds.add(ground.tenant, "suricata", "edge", Said({}))
    assert made.road == "push"
    assert ground.feeds.connector(made).name == "edge"
    assert ground.asked == [], "there is nothing secret, and no key is needed"


async def test_one_that_is_not_asked_need_not_be_told_what_asking_takes(ground: Ground) -> None:
    made = await ground.feeds.add(ground.tenant, "sentry", "files", Said({"file": "/var/log/sentry.json"}, road="file"))
    connector = ground.feeds.connector(made)
    assert isinstance(connector, Sentry)
    assert (connector.name, connector.url) == ("files", "")


REFUSED = {
    "no such kind": ("sentri", "a", {}, {}, ["There is no source 'sentri'", "cef", "sentry"]),
    "no such option": ("sentry", "a", {**TOLD, "ulr": "x"}, {}, ["'ulr'", "url, key, site"]),
    "an option without options": ("falco", "a", {"x": "y"}, {}, ["falco", "'x'", "There is none."]),
    "one missing": ("sentry", "a", {"url": TOLD["url"]}, {}, ["need the option key", "--option key=@file"]),
    "one empty": ("sentry", "a", {**TOLD, "key": " "}, {}, ["need the option key"]),
    "one wrong": ("sentry", "a", {**TOLD, "url": "ftp://x"}, {}, ["The option url", "ftp://x"]),
    "of another road": ("sentry", "a", {**TOLD, "file": "x"}, {}, ["'file'", "by pull"]),
    "cannot be asked": ("suricata", "a", {}, {"road": "pull"}, ["cannot be asked", "listen, file, webhook, push"]),
    "no such road": ("suricata", "a", {}, {"road": "pigeon"}, ["'pigeon'", "listen, file, webhook, push"]),
    "a road without its option": ("suricata", "a", {}, {"road": "listen"}, ["need the option listen"]),
    "too often": ("sentry", "a", TOLD, {"every": 0}, ["1 to 604800 seconds", "not 0"]),
    "not asked at all": ("suricata", "a", {}, {"every": 60}, ["not asked", "--every"]),
    "negative silence": ("suricata", "a", {}, {"silence": -1}, ["silence"]),
    "no name": ("suricata", "", {}, {}, ["no name of a source"]),
    "capitals": ("suricata", "Edge", {}, {}, ["'Edge'"]),
    "a path": ("suricata", "a/b", {}, {}, ["'a/b'"]),
    "a hook": ("suricata", "hook-a", {}, {}, ["hook-"]),
    "another kind": ("suricata", "mde", {}, {}, ["'mde'", "another kind"]),
    "endless": ("sentry", "a", {**TOLD, "site": "x" * 70_000}, {}, ["65536"]),
}


@pytest.mark.parametrize(("kind", "name", "options", "said", "words"), REFUSED.values(), ids=REFUSED)
async def test_refused(ground: Ground, kind: str, name: str, options: dict[str, str], said: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        await ground.feeds.add(ground.tenant, kind, name, Said(options, **said))
    assert [word for word in words if word not in str(refused.value)] == []
    assert TOLD["key"] not in str(refused.value)
    assert await ground.feeds.all() == []


async def test_of_two_processes_that_add_a_name_one_does(ground: Ground) -> None:
    wishes = [ground.feeds.add(ground.tenant, "sentry", "roof", Said({**TOLD, "site": str(number)})) for number in range(5)]
    results = await asyncio.gather(*wishes, return_exceptions=True)
    [made] = [one for one in results if isinstance(one, Feed)]
    assert all("has a source 'roof' already" in str(one) for one in results if one is not made)
    assert await ground.feeds.all() == [made]


async def test_another_tenants_feed_is_not_there(ground: Ground) -> None:
    made = await sentry(ground)
    number = ground.other.number
    assert await ground.feeds.of(number) == []
    assert await ground.feeds.known(number, "sentry") is None
    for wish in (ground.feeds.feed(number, "sentry"), ground.feeds.remove(ground.other, "sentry"), ground.feeds.pause(ground.other, "sentry")):
        with pytest.raises(UsageError, match="There is no source 'sentry'"):
            await wish
    theirs = await ground.feeds.add(ground.other, "sentry", "sentry", Said({**TOLD, "key": "theirs"}))
    assert await ground.feeds.all() == [made, theirs]


async def test_a_deleted_tenant_gets_none(ground: Ground) -> None:
    with pytest.raises(UsageError, match="deleted meanwhile"):
        await ground.feeds.add(replace(ground.tenant, id="former"), "suricata", "edge", Said({}))
    assert ground.place.rows("SELECT count(*) FROM sources") == [(0,)]


# --- secrets -------------------------------------------------------------------------------------------------------------


async def test_what_is_secret_lies_sealed_and_is_not_shown(ground: Ground) -> None:
    made = await sentry(ground)
    [row] = ground.place.rows(f"SELECT {COLUMNS} FROM sources")
    assert TOLD["key"] not in repr(row)
    assert TOLD["key"] not in repr(made)
    assert made.masked() == {"key": "***", "url": TOLD["url"]}
    about = f"source {ground.tenant.id} sentry"
    assert SEAL.opened(bytes(row[5]), about) == b'{"key":"s3cr3t-of-the-sentry"}'


async def test_a_secret_in_the_row_of_another_opens_nothing(ground: Ground) -> None:
    await sentry(ground, "one")
    other = await sentry(ground, "two")
    [row] = await ground.store.fetch("source", tenant=ground.tenant.number, name="one")
    await ground.store.run(("source_seal", {"tenant": other.tenant, "name": "two", "number": other.number, "sealed": row["sealed"]}))
    one, two = await ground.feeds.all()
    assert not one.fault
    assert "damaged" in two.fault


def gone() -> Seal:
    raise UsageError("the key is not there")


@pytest.mark.parametrize("seal", [gone, lambda: Seal(b"o" * 32)], ids=["none", "another"])
async def test_without_the_key_it_says_so_and_the_others_go_on(ground: Ground, seal: Any) -> None:
    await sentry(ground)
    plain = await ground.feeds.add(ground.tenant, "suricata", "edge", Said({}))
    feeds = ground.with_seal(seal)
    edge, closed = await feeds.all()
    assert edge == plain
    assert "key" in closed.fault
    assert TOLD["key"] not in str(closed.options)
    with pytest.raises(UsageError, match="key"):
        feeds.connector(closed)
    with pytest.raises(UsageError, match="key"):
        await feeds.change(ground.tenant, "sentry", Said({"site": "x"}))
    with pytest.raises(UsageError, match="key"):
        await feeds.add(ground.tenant, "sentry", "more", Said(TOLD))
    assert (await feeds.remove(ground.tenant, "sentry")).name == "sentry", "what cannot be opened can be removed"


async def test_the_key_may_be_made_where_nothing_is_sealed_yet_and_only_there(ground: Ground) -> None:
    await sentry(ground, "one")
    await sentry(ground, "two")
    assert ground.asked == [True, False]


async def test_the_key_may_not_be_made_beside_keys_that_are_sealed(ground: Ground) -> None:
    await ground.store.run(("signing_key_add", {"kind": "token", "name": "1", "starts": 1, "sealed": SEAL.sealed(b"x", "x")}))
    await sentry(ground)
    assert ground.asked == [False]


async def test_everything_can_be_sealed_with_another_key(ground: Ground) -> None:
    await sentry(ground, "one")
    await sentry(ground, "two")
    former, new = await ground.feeds.all(), Seal(b"n" * 32)
    assert await ground.feeds.reseal(new) == 2
    assert await ground.feeds.reseal(new) == 0
    assert await ground.with_seal(lambda: new).all() == former
    assert all("another key" in one.fault for one in await ground.feeds.all())


# --- changing ------------------------------------------------------------------------------------------------------------


async def test_a_change_keeps_the_rest_and_has_another_number(ground: Ground) -> None:
    made = await sentry(ground, every=30)
    changed = await ground.feeds.change(ground.tenant, "sentry", Said({"site": "attic"}, silence=0))
    assert changed == replace(made, options={**TOLD, "site": "attic"}, silence=0, number=changed.number)
    assert changed.number > made.number
    assert await ground.feeds.all() == [changed]


async def test_an_empty_option_is_taken_back(ground: Ground) -> None:
    await ground.feeds.add(ground.tenant, "sentry", "sentry", Said({**TOLD, "site": "attic"}))
    changed = await ground.feeds.change(ground.tenant, "sentry", Said({"site": ""}))
    assert dict(changed.options) == TOLD
    with pytest.raises(UsageError, match="need the option url"):
        await ground.feeds.change(ground.tenant, "sentry", Said({"url": ""}))


async def test_what_changes_nothing_has_the_number_it_had(ground: Ground) -> None:
    made = await sentry(ground)
    assert await ground.feeds.change(ground.tenant, "sentry", Said(TOLD)) == made


async def test_a_refused_change_changes_nothing(ground: Ground) -> None:
    made = await sentry(ground)
    for said in (Said({"nonsense": "x"}), Said({"nonsense": ""}), Said({}, road="push"), Said({"url": "http://x"})):
        with pytest.raises(UsageError):
            await ground.feeds.change(ground.tenant, "sentry", said)
    assert await ground.feeds.all() == [made]


async def test_changes_at_one_time_are_all_made(ground: Ground) -> None:
    await sentry(ground)
    await asyncio.gather(
        ground.feeds.change(ground.tenant, "sentry", Said({"site": "attic"})),
        ground.feeds.change(ground.tenant, "sentry", Said({}, every=30)),
        ground.feeds.pause(ground.tenant, "sentry"),
    )
    [found] = await ground.feeds.all()
    assert (found.options["site"], found.every, found.paused) == ("attic", 30, True)


async def test_others_notice_a_change_within_seconds(ground: Ground) -> None:
    made, elsewhere = await sentry(ground), ground.feeds
    assert await elsewhere.known(made.tenant, "sentry") == made
    paused = await ground.feeds.pause(ground.tenant, "sentry")
    ground.clock.forward(FRESH_SECONDS)
    assert await elsewhere.known(made.tenant, "sentry") == paused
    again = await ground.feeds.pause(ground.tenant, "sentry", paused=False)
    await ground.feeds.remove(ground.tenant, "sentry")
    ground.clock.forward(FRESH_SECONDS)
    assert await elsewhere.known(made.tenant, "sentry") is None
    assert len({made.number, paused.number, again.number, (await sentry(ground)).number}) == 4


# --- places --------------------------------------------------------------------------------------------------------------


async def test_a_place_is_kept_until_its_feed_is_removed(ground: Ground) -> None:
    made = await sentry(ground)
    assert await ground.feeds.place(made) == {}
    await ground.feeds.keep_place(made, {"since": "a", "ids": [1]})
    await ground.feeds.keep_place(made, {"since": "b", "ids": [2]})
    assert await ground.feeds.place(made) == {"since": "b", "ids": [2]}
    await ground.feeds.remove(ground.tenant, "sentry")
    assert await ground.feeds.place(await sentry(ground)) == {}


async def test_who_pulls_for_what_was_changed_meanwhile_moves_no_place(ground: Ground) -> None:
    made = await sentry(ground)
    await ground.feeds.keep_place(made, {"since": "a"})
    replayed = await ground.feeds.replay(ground.tenant, "sentry", {"since": "2026-01-01T00:00:00Z"})
    await ground.feeds.keep_place(made, {"since": "b"})
    assert await ground.feeds.place(replayed) == {"since": "2026-01-01T00:00:00Z"}
    await ground.feeds.remove(ground.tenant, "sentry")
    await ground.feeds.keep_place(replayed, {"since": "c"})
    assert ground.place.rows("SELECT count(*) FROM source_places") == [(0,)]


# --- webhooks ------------------------------------------------------------------------------------------------------------


async def test_a_webhook_has_an_address_that_nobody_guesses(ground: Ground) -> None:
    made = [await ground.feeds.add(ground.tenant, "sentry", name, Said({"hook_secret": "x" * 20}, road="webhook")) for name in ("a", "b")]
    assert len({one.hook for one in made}) == 2
    assert all(len(one.hook) == len("hook-") + 40 for one in made)
    assert await ground.feeds.hooked(made[1].hook) == made[1]
    assert await ground.feeds.hooked("hook-") is None
    elsewhere = ground.feeds
    assert await elsewhere.hooked(made[0].hook) == made[0]
    anew = await ground.feeds.hook_anew(ground.tenant, "a")
    ground.clock.forward(FRESH_SECONDS)
    assert await elsewhere.hooked(made[0].hook) is None
    assert await elsewhere.hooked(anew.hook) == anew
    await sentry(ground)
    with pytest.raises(UsageError, match="is no webhook"):
        await ground.feeds.hook_anew(ground.tenant, "sentry")
