"""Signing keys: a new one signs at once, the old ones are honoured until their tokens are over, and no restart is needed."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest

from secgraph import clock as times
from secgraph.edge.keys import KeyRing, held, rotate
from secgraph.errors import UsageError
from secgraph.testing import Clock, Graph, running

PATH = "/v1.0/security/alerts_v2"
LIFE = 3599
LATER = 5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "keys"


@pytest.fixture
async def graph(tmp_path: Path, clock: Clock) -> AsyncIterator[Graph]:
    async with running(tmp_path / "data", clock) as made:
        yield made


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def published(graph: Graph) -> list[str]:
    answer = await graph.http.get(f"/{graph.tenant.id}/discovery/v2.0/keys")
    assert answer.status_code == 200
    keys = answer.json()["keys"]
    assert all("d" not in key and "p" not in key for key in keys)
    return [key["kid"] for key in keys]


async def status(graph: Graph, token: str) -> int:
    return (await graph.http.get(PATH, headers={"authorization": f"Bearer {token}"})).status_code


async def test_a_new_key_signs_and_the_old_one_is_honoured_until_its_tokens_are_over(
    graph: Graph, clock: Clock, folder: Path
) -> None:
    old = graph.token
    [first] = await published(graph)
    assert kid(old) == first
    rotate(folder, clock(), LIFE)
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


async def test_a_key_that_is_over_proves_nothing_any_more(graph: Graph, clock: Clock, folder: Path) -> None:
    """Who copied it must not go on making tokens."""
    private = (folder / "token-0001.pem").read_bytes()
    [first] = await published(graph)
    rotate(folder, clock(), LIFE)
    for ahead, expected in ((LATER, 200), (LIFE + 400, 401)):
        clock.forward(ahead)
        now = clock() // times.SECOND
        claims = json.loads(base64.urlsafe_b64decode(graph.token.split(".")[1] + "=="))
        forged = jwt.encode({**claims, "nbf": now, "exp": now + 900}, private, algorithm="RS256", headers={"kid": first})
        assert await status(graph, forged) == expected


async def test_a_token_of_a_key_not_seen_yet_is_good_at_once(graph: Graph, clock: Clock, folder: Path) -> None:
    """Another process may sign with a new key a moment before this one looks at the folder."""
    assert await status(graph, graph.token) == 200
    rotate(folder, clock(), LIFE)
    other = KeyRing(folder, clock, LIFE).signer
    claims = json.loads(base64.urlsafe_b64decode(graph.token.split(".")[1] + "=="))
    made = jwt.encode(claims, other.private, algorithm="RS256", headers={"kid": other.id})
    assert await status(graph, made) == 200


async def test_a_key_that_was_removed_ends_its_tokens(graph: Graph, clock: Clock, folder: Path) -> None:
    old = graph.token
    assert await status(graph, old) == 200
    rotate(folder, clock(), LIFE)
    (folder / "token-0001.pem").unlink()
    clock.forward(LATER)
    answer = await graph.http.get(PATH, headers={"authorization": f"Bearer {old}"})
    assert answer.status_code == 401
    assert 'error="insufficient_claims"' in answer.headers["www-authenticate"]  # clients fetch another one
    assert await status(graph, await graph.sign_in()) == 200
    answer = await graph.http.get(PATH, headers={"authorization": f"Bearer {old}x"})
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_removing_them_all_makes_a_new_one(graph: Graph, clock: Clock, folder: Path) -> None:
    old = graph.token
    (folder / "token-0001.pem").unlink()
    clock.forward(LATER)
    assert await status(graph, old) == 401
    assert await status(graph, await graph.sign_in()) == 200


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"\x00\xff"])
async def test_a_file_that_is_no_key_changes_nothing(
    graph: Graph, clock: Clock, folder: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (folder / "token-0002.pem").write_bytes(content)
    clock.forward(LATER)
    before = await published(graph)
    assert kid(await graph.sign_in()) == before[0]
    assert await status(graph, graph.token) == 200
    assert [record.getMessage() for record in caplog.records].count("KeysFailed") == 1
    with pytest.raises(UsageError, match=r"token-0002\.pem cannot be read"):
        KeyRing(folder, clock, LIFE)


async def test_a_key_put_there_by_hand_is_honoured_and_signs(graph: Graph, clock: Clock, folder: Path, tmp_path: Path) -> None:
    old = graph.token
    KeyRing(tmp_path / "other", clock, LIFE)
    (tmp_path / "other" / "token-0001.pem").rename(folder / "token-0002.pem")
    clock.forward(LATER)
    new = await graph.sign_in()
    assert await published(graph) == [kid(new), kid(old)]
    clock.forward(LIFE * 10)  # nobody knows since when it signs: the old one is honoured until it is removed
    assert await published(graph) == [kid(new), kid(old)]
    rotate(folder, clock(), LIFE)
    clock.forward(LIFE + 400)
    assert len(await published(graph)) == 2


async def test_tokens_go_on_after_a_rotation_and_a_restart(tmp_path: Path, clock: Clock, folder: Path) -> None:
    async with running(tmp_path / "data", clock) as graph:
        old = graph.token
    rotate(folder, clock(), LIFE)
    async with running(tmp_path / "data", clock) as graph:
        assert await status(graph, old) == 200
        assert kid(graph.token) != kid(old)


async def test_rotations_at_the_same_instant_and_with_the_clock_set_back(graph: Graph, clock: Clock, folder: Path) -> None:
    tokens = [graph.token]
    for back in (0, 0, -3600):
        clock.forward(back)
        rotate(folder, clock(), LIFE)
        tokens.append(jwt.encode({}, KeyRing(folder, clock, LIFE).signer.private, algorithm="RS256",
                                 headers={"kid": KeyRing(folder, clock, LIFE).signer.id}))  # fmt: skip
    clock.forward(3600 + LATER)
    assert len({kid(token) for token in tokens}) == 4
    assert await published(graph) == [kid(token) for token in reversed(tokens)]
    assert kid(await graph.sign_in()) == kid(tokens[-1])


def test_files_of_keys_long_over_are_removed_by_the_next_rotation(folder: Path, clock: Clock) -> None:
    KeyRing(folder, clock, LIFE)
    for days in (0, 0.5, 2):
        clock.forward(days * 86_400)
        rotate(folder, clock(), LIFE)
    files = sorted(file.name for file in folder.glob("token-*.pem"))
    assert len(files) == 2  # the one that signs, and the one that signed until now
    assert [one.key.file.name for one in held(folder, LIFE)] == files[::-1]
    for file in folder.glob("token-*.pem"):
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_rotation_that_cannot_be_is_told(folder: Path, clock: Clock) -> None:
    with pytest.raises(UsageError, match="first start"):
        rotate(folder, clock(), LIFE)
    KeyRing(folder, clock, LIFE)
    (folder / "token-0001.pem").rename(folder / "token-new.pem")
    before = list(folder.iterdir())
    with pytest.raises(UsageError, match="Rename it"):
        rotate(folder, clock(), LIFE)
    assert list(folder.iterdir()) == before


def test_the_life_of_a_token_decides_how_long_a_key_is_honoured(folder: Path, clock: Clock) -> None:
    KeyRing(folder, clock, 60)
    rotate(folder, clock(), 60)
    for life, seconds, left in ((60, 300, 2), (60, 61, 1), (86_400, 0, 2), (86_400, 86_400, 1)):
        clock.forward(seconds)
        assert len(KeyRing(folder, clock, life).tokens()) == left


@pytest.mark.parametrize("life", [60, 7200])
async def test_the_setting_is_the_life(tmp_path: Path, clock: Clock, life: int) -> None:
    async with running(tmp_path / "data", clock, token_seconds=life) as graph:
        rotate(tmp_path / "data" / "keys", clock(), life)
        clock.forward(life + 299)
        assert len(await published(graph)) == 2
        clock.forward(2)
        assert len(await published(graph)) == 1
