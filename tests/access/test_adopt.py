"""Keys in files of an earlier version: taken into the database once, with their order and with what is known of their age."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from secgraph import clock as times
from secgraph.app import core
from secgraph.edge.signing import LinkKey, SigningKeys, TokenKey
from secgraph.errors import UsageError
from secgraph.settings import gather
from secgraph.testing import Clock, Graph, running

PATH = "/v1.0/security/alerts_v2"
LIFE = 3599
LINKS = bytes(range(100, 132))


@cache
def private(_: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(number: int) -> bytes:
    return private(number).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def name_of(number: int) -> str:
    """The id that the earlier version published for a key."""
    der = private(number).public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha1(der, usedforsecurity=False).digest()).rstrip(b"=").decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data" / "keys"
    made.mkdir(parents=True, mode=0o700)
    return made


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def stamped(clock: Clock, seconds: float) -> str:
    """The name of the file that a rotation made that long ago."""
    digits = "".join(letter for letter in times.text(clock() - round(seconds * times.SECOND)) if letter.isdigit())
    return f"token-{digits[:20]}.pem"


def left_by_an_earlier_version(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        (folder / name).write_bytes(pem(number))
    (folder / "links.key").write_bytes(LINKS)


async def shown(graph: Graph) -> list[tuple[str, int | None, int | None]]:
    """Id, beginning and end of the token keys."""
    return [(one.key.id, one.since, one.ends) for one in await graph.core.keys.held("token") if one.key is not None]


async def test_tokens_and_links_from_before_stay_good(folder: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    (folder / "server.key").write_bytes(b"a key of TLS")
    left_by_an_earlier_version(folder, "token-0001.pem", stamped(clock, 1000))
    async with running(folder.parent, clock) as graph:
        began = clock() - 1000 * times.SECOND
        assert await shown(graph) == [(name_of(1), began, None), (name_of(0), None, began + (LIFE + 300) * times.SECOND)]
        assert jwt.get_unverified_header(graph.token)["kid"] == name_of(1)
        claims = jwt.decode(graph.token, options={"verify_signature": False})
        old = jwt.encode(claims, private(0), algorithm="RS256", headers={"kid": name_of(0)})
        assert (await graph.http.get(PATH, headers={"authorization": f"Bearer {old}"})).status_code == 200
        [links] = await graph.core.keys.held("links")
        assert isinstance(links.key, LinkKey)
        assert links.key.secret == hashlib.sha256(b"secgraph paging links" + LINKS).digest()
    facts = [record for record in caplog.records if record.getMessage() == "KeysImported"]
    assert [record.fact.keys for record in facts] == [3]  # type: ignore[attr-defined]


async def test_the_files_are_put_away_and_nothing_reads_them(folder: Path, clock: Clock) -> None:
    (folder / "server.key").write_bytes(b"a key of TLS")
    left_by_an_earlier_version(folder, "token-0001.pem", "token-0002.pem")
    async with running(folder.parent, clock) as graph:
        before = await shown(graph)
    away = folder.with_name("keys-imported")
    assert names_in(folder) == ["server.key"]
    assert names_in(away) == ["README.txt", "links.key", "token-0001.pem", "token-0002.pem"]
    assert (away / "token-0001.pem").read_bytes() == pem(0)
    assert away.stat().st_mode & 0o777 == 0o700
    assert "delete them" in (away / "README.txt").read_text()
    shutil.rmtree(away)
    async with running(folder.parent, clock) as graph:
        assert await shown(graph) == before


ORDERS: list[list[str]] = [
    ["token-0001.pem"],
    ["token-0001.pem", "token-0002.pem", "token-0010.pem"],
    ["token-0001.pem", "token-2026.pem"],
    ["token-new.pem"],
    ["token-0001.pem", "token-a-b.pem", "token-a.pem", "token-b.pem"],
    ["token-0001.pem", "token-9.pem", "token-\u00e9 key.pem"],
    ["token-.pem", "token-0001.pem"],
]


@pytest.mark.parametrize("names", ORDERS, ids=[" ".join(names) for names in ORDERS])
async def test_names_of_a_persons_own_keep_their_order_and_new_keys_come_after_them(
    folder: Path, clock: Clock, names: list[str]
) -> None:
    """Nobody knows since when they sign: the ones before are honoured until they are removed."""
    left_by_an_earlier_version(folder, *names)
    assert sorted(names) == names
    async with running(folder.parent, clock) as graph:
        wanted = [name_of(number) for number in range(len(names))][::-1]
        assert await shown(graph) == [(name, None, None) for name in wanted]
        clock.forward(LIFE * 100)
        await graph.sign_in()
        keys = (await graph.http.get(f"/{graph.tenant.id}/discovery/v2.0/keys")).json()["keys"]
        assert [key["kid"] for key in keys] == wanted
        [new, *former] = await graph.core.keys.rotate("token")
        ends = clock() + (LIFE + 300) * times.SECOND
        assert new.since == clock()
        assert [one.ends for one in former] == [ends] + [None] * (len(names) - 1)
        assert [one.key.id for one in former if one.key is not None] == wanted


async def test_one_of_a_persons_own_among_those_of_rotations_keeps_its_place(folder: Path, clock: Clock) -> None:
    first, second = stamped(clock, 2000), stamped(clock, 1000)
    names = ["token-0001.pem", first, second, "token-new.pem"]
    left_by_an_earlier_version(folder, *names)
    async with running(folder.parent, clock) as graph:
        began = [clock() - seconds * times.SECOND for seconds in (2000, 1000)]
        life = (LIFE + 300) * times.SECOND
        assert await shown(graph) == [
            (name_of(3), None, None), (name_of(2), began[1], None),
            (name_of(1), began[0], began[1] + life), (name_of(0), None, began[0] + life),
        ]  # fmt: skip
        clock.forward(-5000)
        [new, *_] = await graph.core.keys.rotate("token")
        assert isinstance(new.key, TokenKey)
        assert new.since == began[1] + times.MICROSECOND, "after all of them, with the clock set back too"
        assert (await graph.core.keys.held("token"))[0].name == new.name


async def test_a_rotation_before_the_first_start_takes_them_in(folder: Path, clock: Clock) -> None:
    left_by_an_earlier_version(folder, "token-0001.pem")
    async with core(gather({"data": folder.parent}, {}), clock) as inner:
        held = await inner.keys.rotate("token")
        assert [one.key.id for one in held if one.key is not None][1:] == [name_of(0)]
        assert names_in(folder) == []


@pytest.mark.parametrize(("name", "content", "said"), [
    ("token-0002.pem", b"", r"token-0002\.pem cannot be read"),
    ("token-0002.pem", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", r"token-0002\.pem cannot be read"),
    ("token-0002.pem", b"\x00\xff", r"token-0002\.pem cannot be read"),
    ("links.key", b"short", r"links\.key is shorter than 32 bytes"),
])  # fmt: skip
async def test_a_file_that_is_no_key_is_told_and_nothing_is_taken_in(
    folder: Path, clock: Clock, name: str, content: bytes, said: str
) -> None:
    left_by_an_earlier_version(folder, "token-0001.pem")
    (folder / name).write_bytes(content)
    with pytest.raises(UsageError, match=said):
        async with running(folder.parent, clock):
            pass
    assert names_in(folder) == sorted({"token-0001.pem", "links.key", name})
    assert not folder.with_name("keys-imported").exists()
    (folder / name).unlink()
    async with running(folder.parent, clock) as graph:
        assert len(await shown(graph)) == 1


async def test_a_start_cut_off_before_the_files_were_moved_is_made_good(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    left_by_an_earlier_version(folder, "token-0001.pem", "token-0002.pem")

    def fails(*_: object) -> None:
        raise OSError("The disk is read-only.")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", fails)
        async with running(folder.parent, clock) as graph:
            before = await shown(graph)
    assert [record.getMessage() for record in caplog.records].count("KeysLeft") == 1
    async with running(folder.parent, clock) as graph:
        assert await shown(graph) == before
    assert names_in(folder) == []
    assert [record.getMessage() for record in caplog.records].count("KeysLeft") == 1


async def test_a_file_put_there_later_is_not_read_but_told(
    folder: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(folder.parent, clock) as graph:
        before = await shown(graph)
    left_by_an_earlier_version(folder, "token-0009.pem")
    (folder / "token-bad.pem").write_bytes(b"nonsense")
    async with running(folder.parent, clock) as graph:
        assert await shown(graph) == before
    [record] = [record for record in caplog.records if record.getMessage() == "KeysLeft"]
    assert record.fact.reason == "not in the database: token-0009.pem, token-bad.pem, links.key"  # type: ignore[attr-defined]
    assert len(names_in(folder)) == 3


async def test_two_that_take_them_in_at_once_end_with_the_same(
    folder: Path, graph: Graph, keys_of: Callable[..., SigningKeys]
) -> None:
    left_by_an_earlier_version(folder, "token-0001.pem", "token-0002.pem")
    await asyncio.gather(*(SigningKeys(graph.core.store, lambda _: keys_of().seal(), folder, graph.clock, LIFE).open()
                           for _ in range(3)))  # fmt: skip
    assert [one.key.id for one in await keys_of().held("token") if one.key is not None] == [name_of(1), name_of(0)]
    assert names_in(folder) == []
