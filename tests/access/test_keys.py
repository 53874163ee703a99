"""Signing keys: a new one signs at once, the old ones are honoured until their tokens are over, and no restart is needed."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from secgraph import clock as times
from secgraph.edge.keys import KeyRing
from secgraph.edge.signing import Held, Kept, SigningKeys, TokenKey
from secgraph.errors import UsageError
from secgraph.seal import Damaged
from secgraph.testing import Clock, Graph, running

PATH = "/v1.0/security/alerts_v2"
LIFE = 3599
LATER = 5


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def pem(key: Any) -> bytes:
    return cast("bytes", key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))  # fmt: skip


def token_key(one: Held) -> TokenKey:
    assert isinstance(one.key, TokenKey)
    return one.key


def minted(graph: Graph, key: TokenKey, **changed: Any) -> str:
    """A token that somebody made who has the key."""
    claims = json.loads(base64.urlsafe_b64decode(graph.token.split(".")[1] + "=="))
    return jwt.encode({**claims, **changed}, key.private, algorithm="RS256", headers={"kid": key.id})


async def published(graph: Graph) -> list[str]:
    answer = await graph.http.get(f"/{graph.tenant.id}/discovery/v2.0/keys")
    assert answer.status_code == 200
    keys = answer.json()["keys"]
    assert all("d" not in key and "p" not in key for key in keys)
    return [key["kid"] for key in keys]


async def status(graph: Graph, token: str) -> int:
    return (await graph.http.get(PATH, headers={"authorization": f"Bearer {token}"})).status_code


# --- rotating


async def test_a_new_key_signs_and_the_old_one_is_honoured_until_its_tokens_are_over(graph: Graph, clock: Clock) -> None:
    old = graph.token
    [first] = await published(graph)
    assert kid(old) == first
    await graph.core.keys.rotate("token")
    clock.forward(LATER)
    new = await graph.sign_in()
    assert kid(new) != first
    assert await published(graph) == [kid(new), first]
    assert (await status(graph, old), await status(graph, new)) == (200, 200)
    clock.forward(LIFE - LATER - 1)
    assert await status(graph, old) == 200
    assert await published(graph) == [kid(new), first]
    clock.forward(400)
    assert await status(graph, old) == 401  # over by now, by its own time
    assert await published(graph) == [kid(new)]


async def test_a_key_that_is_over_proves_nothing_any_more(graph: Graph, clock: Clock) -> None:
    """Who copied it must not go on making tokens."""
    [first] = await graph.core.keys.held("token")
    await graph.core.keys.rotate("token")
    for ahead, expected in ((LATER, 200), (LIFE + 400, 401)):
        clock.forward(ahead)
        now = clock() // times.SECOND
        assert await status(graph, minted(graph, token_key(first), nbf=now, exp=now + 900)) == expected


async def test_a_token_of_a_key_not_seen_yet_is_good_at_once(graph: Graph) -> None:
    """Another process may sign with a new key a moment before this one reads it."""
    assert await status(graph, graph.token) == 200
    for _ in range(3):
        [new, *_] = await graph.core.keys.rotate("token")
        assert await status(graph, minted(graph, token_key(new))) == 200


async def test_a_key_that_was_removed_ends_its_tokens(graph: Graph, clock: Clock) -> None:
    old = graph.token
    assert await status(graph, old) == 200
    await graph.core.keys.rotate("token")
    assert len(await graph.core.keys.remove("token", kid(old))) == 1
    clock.forward(LATER)
    answer = await graph.http.get(PATH, headers={"authorization": f"Bearer {old}"})
    assert answer.status_code == 401
    assert 'error="insufficient_claims"' in answer.headers["www-authenticate"]  # clients fetch another one
    assert await status(graph, await graph.sign_in()) == 200
    answer = await graph.http.get(PATH, headers={"authorization": f"Bearer {old}x"})
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_removing_them_all_makes_a_new_one(graph: Graph, clock: Clock) -> None:
    old = graph.token
    assert await graph.core.keys.discard() == 2
    clock.forward(LATER)
    assert await status(graph, old) == 401
    assert await status(graph, await graph.sign_in()) == 200
    assert len(await graph.core.keys.kept()) == 2


async def test_tokens_go_on_after_a_rotation_and_a_restart(tmp_path: Path, clock: Clock, on: dict[str, str]) -> None:
    async with running(tmp_path / "data", clock, **on) as graph:
        old = graph.token
        await graph.core.keys.rotate("token")
    async with running(tmp_path / "data", clock, **on) as graph:
        assert await status(graph, old) == 200
        assert kid(graph.token) != kid(old)


async def test_rotations_at_the_same_instant_and_with_the_clock_set_back(graph: Graph, clock: Clock) -> None:
    made = [kid(graph.token)]
    for back in (0, 0, -3600):
        clock.forward(back)
        [new, *_] = await graph.core.keys.rotate("token")
        made.append(token_key(new).id)
    clock.forward(3600 + LATER)
    assert len(set(made)) == 4
    assert await published(graph) == made[::-1]
    assert kid(await graph.sign_in()) == made[-1]


async def test_a_clock_set_back_hides_no_key(graph: Graph, clock: Clock) -> None:
    await published(graph)
    clock.forward(-86_400)
    await graph.core.keys.rotate("token")
    assert len(await published(graph)) == 2


async def test_keys_long_over_are_removed_by_the_next_rotation(graph: Graph, clock: Clock) -> None:
    for days in (0, 0.5, 2):
        clock.forward(days * 86_400)
        shown = await graph.core.keys.rotate("token")
    assert [one.name for one in await graph.core.keys.held("token")] == [one.name for one in shown]
    assert len(shown) == 2  # the one that signs, and the one that signed until now
    assert [one.ends for one in shown] == [None, clock() + (LIFE + 300) * times.SECOND]


async def test_a_rotation_that_cannot_be_is_told(keys_of: Callable[..., SigningKeys]) -> None:
    keys = keys_of()
    for kind in ("token", "links"):
        with pytest.raises(UsageError, match="first start"):
            await keys.rotate(kind)
    assert await keys.kept() == []


@pytest.mark.parametrize("life", [60, 7200, 86_400])
async def test_the_setting_is_the_life(tmp_path: Path, clock: Clock, life: int, on: dict[str, str]) -> None:
    async with running(tmp_path / "data", clock, token_seconds=life, **on) as graph:
        await graph.core.keys.rotate("token")
        clock.forward(life + 299)
        assert len(await published(graph)) == 2
        clock.forward(2)
        assert len(await published(graph)) == 1


async def test_the_key_that_signs_is_not_removed(graph: Graph) -> None:
    [one] = await graph.core.keys.held("token")
    for word in (one.name, token_key(one).id, token_key(one).id[:6]):
        with pytest.raises(UsageError, match="signs at present"):
            await graph.core.keys.remove("token", word)
    for word in ("", "0002", token_key(one).id[:5], token_key(one).id + "x"):
        with pytest.raises(UsageError, match="no key"):
            await graph.core.keys.remove("token", word)
    assert [left.name for left in await graph.core.keys.held("token")] == [one.name]


# --- a key of a person's own


async def test_a_key_of_ones_own_signs_from_then_on(graph: Graph, clock: Clock) -> None:
    old, own = graph.token, rsa.generate_private_key(65537, 3072)
    [shown, former] = await graph.core.keys.add(pem(own), "in own.pem")
    assert token_key(shown).public.public_numbers() == own.public_key().public_numbers()
    assert former.ends == (shown.since or 0) + (LIFE + 300) * times.SECOND
    clock.forward(LATER)
    new = await graph.sign_in()
    jwt.decode(new, own.public_key(), algorithms=["RS256"], options={"verify_aud": False, "verify_exp": False,
                                                                     "verify_iat": False, "verify_nbf": False})  # fmt: skip
    assert await published(graph) == [kid(new), kid(old)]
    with pytest.raises(UsageError, match="is there already"):
        await graph.core.keys.add(pem(own), "in own.pem")


@pytest.mark.parametrize(("make", "said"), [
    (lambda: b"", r"The key in own\.pem cannot be read"),
    (lambda: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be read"),
    (lambda: b"\x00\xff", "cannot be read"),
    (lambda: pem(ec.generate_private_key(ec.SECP256R1())), "is not an RSA key"),
    (lambda: pem(rsa.generate_private_key(65537, 1024)), "has 1024 bits; it must have 2048"),  # noqa: S505 -- too short on purpose
])  # fmt: skip
async def test_what_is_no_key_is_not_taken(keys_of: Callable[..., SigningKeys], make: Callable[[], bytes], said: str) -> None:
    keys = keys_of()
    await keys.open()
    with pytest.raises(UsageError, match=said):
        await keys.add(make(), "in own.pem")
    assert len(await keys.held("token")) == 1


# --- in the database


def all_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


@pytest.mark.sqlite
async def test_no_key_lies_open_in_the_folder(graph: Graph, tmp_path: Path) -> None:
    held = [*await graph.core.keys.rotate("token"), *await graph.core.keys.rotate("links")]
    everything = all_in(tmp_path)
    for one in await graph.core.keys.kept():
        assert one.sealed in everything
        data = graph.core.keys.seal().opened(one.sealed, one.about)
        assert data[-64:] not in everything
        assert base64.b64encode(data[:30]) not in everything
    assert len(held) == 4


TAMPERED: dict[str, Callable[[Kept, list[Kept]], Kept]] = {
    "a later beginning": lambda one, _: replace(one, starts=(one.starts or 0) + 1),
    "no beginning": lambda one, _: replace(one, starts=None),
    "the place behind its own": lambda one, _: replace(one, name="0002"),
    "the last place": lambda one, _: replace(one, name="3"),
    "nothing in it": lambda one, _: replace(one, sealed=b""),
    "cut off": lambda one, _: replace(one, sealed=one.sealed[:-1]),
    "the newer key in it": lambda one, all_: replace(one, sealed=all_[0].sealed),
    "the key of links in it": lambda one, all_: replace(one, sealed=all_[-1].sealed),
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=list(TAMPERED))
async def test_a_row_changed_by_hand_is_no_key(
    graph: Graph, clock: Clock, tamper: Callable[..., Any], change: Callable[..., Kept], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither can a key be prolonged, nor take the place of another one."""
    [new, old] = await graph.core.keys.rotate("token")
    all_ = await graph.core.keys.kept()
    assert [(one.kind, one.name) for one in all_] == [("token", new.name), ("token", "0001"), ("links", "0001")]
    await tamper(all_[1], change(all_[1], all_))
    [present, damaged] = await graph.core.keys.held("token")
    assert (present.name, damaged.key, damaged.since, damaged.ends) == (new.name, None, None, None)
    with pytest.raises(Damaged, match=r"The signing key \S+ in the database was damaged or changed by hand"):
        graph.core.keys.key(next(one for one in await graph.core.keys.kept() if one.name == damaged.name))
    fresh = KeyRing(graph.core.keys, clock)
    await fresh.fresh()
    assert [one.id for one in fresh.tokens()] == [token_key(new).id]
    assert fresh.public(token_key(old).id) is None
    clock.forward(LATER)
    await graph.sign_in()
    clock.forward(LATER)
    await graph.sign_in()
    assert [record.getMessage() for record in caplog.records].count("KeysFailed") == 2  # once in each of the two rings
    with pytest.raises(UsageError, match=f"secgraph keys remove {damaged.name}"):
        await graph.core.keys.open()
    await graph.core.keys.remove("token", damaged.name)
    await graph.core.keys.open()
    assert [one.name for one in await graph.core.keys.held("token")] == [new.name]


async def test_the_only_key_damaged_is_replaced_by_a_rotation(graph: Graph, clock: Clock, tamper: Callable[..., Any]) -> None:
    token, [one, _] = graph.token, await graph.core.keys.kept()
    await tamper(one, replace(one, sealed=b"\0"))
    clock.forward(LATER)
    assert await status(graph, token) == 200, "it stands for what was read of it before"
    assert len(await published(graph)) == 1
    [new, damaged] = await graph.core.keys.rotate("token")
    assert (damaged.name, damaged.key) == ("0001", None)
    clock.forward(LATER)
    assert kid(await graph.sign_in()) == token_key(new).id
    await graph.core.keys.remove("token", "0001")
    clock.forward(LATER)
    assert await status(graph, token) == 401


async def test_many_first_starts_at_once_end_with_the_same_keys(keys_of: Callable[..., SigningKeys], clock: Clock) -> None:
    nodes = [keys_of() for _ in range(4)]
    await asyncio.gather(*(node.open() for node in nodes))
    rings = [KeyRing(node, clock) for node in nodes]
    for one in rings:
        await one.fresh()
    assert len(await nodes[0].kept()) == 2
    assert len({one.signer.id for one in rings}) == len({one.links for one in rings}) == 1
