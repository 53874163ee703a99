"""Keys and the key that seals them: another one opens nothing, and is told; everything can be sealed with another one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from secgraph.app import seal_of
from secgraph.edge.keys import KeyRing
from secgraph.edge.signing import SigningKeys
from secgraph.errors import UsageError
from secgraph.seal import Damaged, Seal
from secgraph.settings import Settings, gather
from secgraph.testing import Clock, running

Watch = Any
SEAL, NEW, OTHER = Seal(bytes(range(32))), Seal(bytes(range(40))), Seal(bytes(32))
OWN = rsa.generate_private_key(65537, 2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)

ACTS: dict[str, Callable[[SigningKeys], Any]] = {
    "open": lambda one: one.open(),
    "list": lambda one: one.held("token"),
    "rotate": lambda one: one.rotate("token"),
    "rotate links": lambda one: one.rotate("links"),
    "add": lambda one: one.add(OWN, "in own.pem"),
    "remove": lambda one: one.remove("token", "0001"),
    "reseal": lambda one: one.reseal(NEW),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=list(ACTS))
async def test_with_another_key_nothing_is_done(keys_of: Callable[..., SigningKeys], act: Callable[[SigningKeys], Any]) -> None:
    await keys_of().open()
    before = await keys_of().kept()
    with pytest.raises(UsageError) as refused:
        await act(keys_of(OTHER))
    said = str(refused.value)
    assert SEAL.id.hex() in said
    assert OTHER.id.hex() in said
    assert "SECGRAPH_SEAL_KEY=@file" in said
    assert "secgraph keys discard" in said
    assert await keys_of().kept() == before


async def test_no_missing_kind_is_made_with_another_key(watched: Watch, keys_of: Callable[..., SigningKeys]) -> None:
    await watched.store.run(("signing_key_delete", {"kind": "links", "name": "0001"}))
    with pytest.raises(UsageError, match="sealed with another key"):
        await keys_of(OTHER).complete()
    assert [one.kind for one in await keys_of().kept()] == ["token"]


async def test_sealing_with_another_key_changes_no_key(
    watched: Watch, keys_of: Callable[..., SigningKeys], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await watched.elsewhere.rotate("token")
    await watched.elsewhere.rotate("links")
    clock.forward(2)
    await watched.ring.fresh()
    before = ([one.id for one in watched.ring.tokens()], watched.ring.links)
    assert await watched.elsewhere.reseal(NEW) == 4
    assert await watched.elsewhere.reseal(NEW) == 0
    assert await keys_of(NEW).reseal(NEW) == 0
    after = KeyRing(keys_of(NEW), clock)
    await after.fresh()
    assert ([one.id for one in after.tokens()], after.links) == before
    with pytest.raises(UsageError, match="sealed with another key"):
        await keys_of().open()
    for _ in range(3):  # a process that still has the former one goes on with what it read
        clock.forward(2)
        await watched.ring.fresh()
        assert ([one.id for one in watched.ring.tokens()], watched.ring.links) == before
    assert [record.getMessage() for record in caplog.records].count("KeysFailed") == 4, "each of them once"
    await keys_of(NEW).remove("token", "0001")
    clock.forward(2)
    await watched.ring.fresh()
    assert [one.id for one in watched.ring.tokens()] == before[0][:1], "what is gone is gone for it too"


async def test_a_rotation_in_the_middle_of_it_is_sealed_too(watched: Watch, keys_of: Callable[..., SigningKeys]) -> None:
    """Between reading and writing another process makes a key with the former seal."""
    watched.store.before = lambda: watched.elsewhere.rotate("token")
    assert await watched.keys.reseal(NEW) == 3
    assert len(await keys_of(NEW).held("token")) == 2


async def test_what_is_damaged_is_not_sealed_again(watched: Watch, tamper: Callable[..., Any]) -> None:
    [_, links] = before = await watched.elsewhere.kept()
    await tamper(links, replace(links, sealed=b"\0"))
    with pytest.raises(Damaged, match="links key 0001"):
        await watched.elsewhere.reseal(NEW)
    assert (await watched.elsewhere.kept())[0] == before[0]
    with pytest.raises(UsageError, match=r"secgraph keys rotate --links\) and remove this one: secgraph keys remove 0001 --links$"):
        await watched.elsewhere.open()
    await watched.elsewhere.rotate("links")
    await watched.elsewhere.remove("links", "0001")
    await watched.elsewhere.open()


async def test_a_missing_kind_is_made_beside_a_damaged_key(watched: Watch, tamper: Callable[..., Any]) -> None:
    [token, _] = await watched.elsewhere.kept()
    await tamper(token, replace(token, sealed=b"\0"))
    await watched.store.run(("signing_key_delete", {"kind": "links", "name": "0001"}))
    assert {one.kind for one in await watched.elsewhere.complete()} == {"token", "links"}


async def test_keys_are_discarded_without_the_seal(watched: Watch, keys_of: Callable[..., SigningKeys]) -> None:
    assert await keys_of(OTHER).discard() == 2
    await keys_of(OTHER).open()
    assert {one.name for one in await keys_of(OTHER).kept()} == {"0001"}
    assert watched.ring.signer.id != (await keys_of(OTHER).held("token"))[0].key.id  # type: ignore[union-attr]


# --- where the key comes from

HEX, OTHER_HEX = "5a" * 32, "b7" * 40


def settings_of(folder: Path, **more: str) -> Settings:
    return gather({"data": folder}, {f"SECGRAPH_{name.upper()}": text for name, text in more.items()})


def shared(settings: Settings) -> Settings:
    """The same settings with a database that several nodes share."""
    return Settings({**settings.values, "database": "postgresql://somewhere/graph"}, settings.origins)


def test_a_first_start_makes_a_key_for_its_owner_alone(tmp_path: Path) -> None:
    made = seal_of(settings_of(tmp_path), first=True)
    file = tmp_path / "seal.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(bytes.fromhex(file.read_text())) == 32
    for first in (True, False):
        assert seal_of(settings_of(tmp_path), first=first).id == made.id
        assert seal_of(shared(settings_of(tmp_path)), first=first).id == made.id
        assert seal_of(settings_of(tmp_path, seal_key=f"@{file}"), first=first).id == made.id
        assert seal_of(settings_of(tmp_path, seal_key=HEX), first=first).id == Seal(bytes.fromhex(HEX)).id, "the setting wins"


def test_no_key_is_made_where_a_setting_gives_one(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(f"  {HEX}\n")
    for text in (HEX, f"@{tmp_path / 'elsewhere'}"):
        assert seal_of(settings_of(tmp_path / "data", seal_key=text), first=True).id == Seal(bytes.fromhex(HEX)).id
    assert [file.name for file in tmp_path.iterdir()] == ["elsewhere"]


@pytest.mark.parametrize(("first", "several", "said"), [
    (False, False, ["seal.key with the key to it is not there", "SECGRAPH_SEAL_KEY=@file", "secgraph keys discard"]),
    (False, True, ["seal.key with the key to it is not there", "SECGRAPH_SEAL_KEY=@file", "secgraph keys discard"]),
    (True, True, ["secgraph keys seal-key > seal.key", "SECGRAPH_SEAL_KEY=@seal.key on every node"]),
])  # fmt: skip
def test_no_key_is_made_where_it_would_open_nothing(tmp_path: Path, first: bool, several: bool, said: list[str]) -> None:
    settings = settings_of(tmp_path)
    with pytest.raises(UsageError) as refused:
        seal_of(shared(settings) if several else settings, first=first)
    assert all(words in str(refused.value) for words in said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["secret", HEX[:62], HEX[:-1]])
def test_a_setting_that_is_no_key_is_told_without_showing_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"the setting seal_key, SECGRAPH_SEAL_KEY\) must be at least 32 random bytes") as refused:
        seal_of(settings_of(tmp_path, seal_key=text), first=True)
    assert text not in str(refused.value)


@pytest.mark.parametrize(("content", "said"), [
    (b"", r"seal\.key\) must be at least 32 random bytes"),
    (b"short", r"seal\.key\) must be at least 32 random bytes"),
    (b"\xff\xfe", r"seal\.key\) is not text"),
    (None, r"seal\.key\) cannot be read or made: Is a directory"),
])  # fmt: skip
@pytest.mark.parametrize("first", [True, False])
def test_a_file_that_holds_no_key_is_told_and_left(tmp_path: Path, content: bytes | None, said: str, first: bool) -> None:
    file = tmp_path / "seal.key"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        seal_of(settings_of(tmp_path), first=first)
    assert file.is_dir() or file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


async def test_a_start_with_another_key_is_refused_and_one_with_the_right_key_goes_on(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "data"
    async with running(folder, clock, seal_key=HEX) as graph:
        token = graph.token
    assert not (folder / "seal.key").exists()
    for wrong in ({"seal_key": OTHER_HEX}, {}):
        with pytest.raises(UsageError, match=r"another key|is not there"):
            async with running(folder, clock, **wrong):
                pass
    assert not (folder / "seal.key").exists()
    (folder / "seal.key").write_text(HEX)  # the same key from the other place
    async with running(folder, clock) as graph:
        answer = await graph.http.get("/v1.0/security/alerts_v2", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200
