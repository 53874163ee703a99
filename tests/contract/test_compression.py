"""gzip, out and in: who gets it, and what a compressed body may be."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
import zlib
from collections.abc import Callable

import pytest

from secgraph.edge.compress import INLINE, LEAST, MEMBERS, WORTH, Compressor, prefers_gzip, unpacked
from secgraph.errors import BadBody, TooLarge
from secgraph.testing import Graph, graph_alert

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "security/alerts_v2"
FAR = "203.0.113.7"
SMALL, LONG = f"{LIST}?$top=1&$select=title", f"{LIST}?$top=5"


# --- out ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("address", "mode", "path", "packed", "varies"), [
    (FAR, "auto", LONG, True, True),
    (FAR, "auto", SMALL, False, False),
    (FAR, "on", LONG, True, True),
    (FAR, "on", SMALL, True, True),
    (FAR, "off", LONG, False, False),
    ("2001:db8::7", "auto", LONG, True, True),
    ("127.0.0.1", "auto", LONG, False, False),
    ("127.9.9.9", "auto", LONG, False, False),
    ("::1", "auto", LONG, False, False),
    ("::ffff:127.0.0.1", "auto", LONG, False, False),
    ("127.0.0.1", "on", LONG, True, True),
    ("127.0.0.1", "off", LONG, False, False),
    ("10.0.0.7", "auto", LONG, True, True),
])  # fmt: skip
async def test_who_gets_it(
    front: Callable[..., Graph], address: str, mode: str, path: str, packed: bool, varies: bool
) -> None:
    graph = front(address, compress=mode)
    plain = await graph.ask("GET", path, headers={"accept-encoding": "identity"})
    answer = await graph.ask("GET", path, headers={"accept-encoding": "gzip"})
    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
    assert answer.headers.get("vary") == plain.headers.get("vary") == ("Accept-Encoding" if varies else None)
    assert answer.content == plain.content
    assert int(plain.headers["content-length"]) == len(plain.content)
    assert (int(answer.headers["content-length"]) < len(plain.content)) == packed


async def test_auto_begins_at_4_kib() -> None:
    compressor = Compressor("auto")
    for size, packed in ((WORTH - 1, False), (WORTH, True)):
        assert compressor.worth(size, local=False) is packed
        assert not compressor.worth(size, local=True)
    assert [Compressor("on").worth(size, local=True) for size in (LEAST - 1, LEAST)] == [False, True]
    assert WORTH == 4096


@pytest.mark.parametrize(("accepted", "wanted"), [
    ("gzip", True),
    ("GZIP", True),
    ("x-gzip", True),
    ("gzip, deflate, br", True),
    ("deflate, gzip;q=1.0, *;q=0.5", True),
    ("*", True),
    ("*;q=0.1", True),
    ("br, *;q=0.1", True),
    ("gzip;q=0.001", True),
    ("gzip; q = 0.5, identity;q=0.5", True),
    ("gzip, identity;q=0", True),
    ("", False),
    ("identity", False),
    ("br, deflate", False),
    ("gzip;q=0", False),
    ("gzip;q=0.0, *", False),
    ("*;q=0", False),
    ("gzip;q=0.5, identity", False),
    ("gzip;q=0.2, identity;q=0.3", False),
    ("gzip;q=much", False),
])  # fmt: skip
async def test_accept_encoding_is_read_with_its_weights(front: Callable[..., Graph], accepted: str, wanted: bool) -> None:
    assert prefers_gzip(accepted) is wanted
    answer = await front(FAR).ask("GET", LONG, headers={"accept-encoding": accepted})
    assert answer.headers.get("content-encoding") == ("gzip" if wanted else None)
    assert answer.headers["vary"] == "Accept-Encoding"
    assert len(answer.json()["value"]) == 5


async def test_a_batch_is_compressed_once_as_a_whole(front: Callable[..., Graph]) -> None:
    asked = [{"id": "1", "method": "GET", "url": f"/{LONG}", "headers": {"accept-encoding": "gzip"}}]
    answer = await front(FAR).ask("POST", "$batch", json={"requests": asked})
    assert answer.headers["content-encoding"] == "gzip"
    [item] = answer.json()["responses"]
    assert len(item["body"]["value"]) == 5
    assert "Content-Encoding" not in item["headers"]


async def test_a_token_is_never_compressed(front: Callable[..., Graph]) -> None:
    graph = front(FAR, compress="on")
    form = {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default",
            "client_id": graph.application.id, "client_secret": graph.secret}  # fmt: skip
    answer = await graph.http.post(f"/{graph.tenant.id}/oauth2/v2.0/token", data=form)
    assert answer.status_code == 200
    assert len(answer.content) > LEAST
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(("size", "aside"), [(INLINE, False), (INLINE + 1, True)])
async def test_long_bodies_are_packed_beside_the_event_loop(
    monkeypatch: pytest.MonkeyPatch, size: int, aside: bool
) -> None:
    threads = []
    pack = gzip.compress

    def watched(data: bytes, compresslevel: int, *, mtime: float) -> bytes:
        threads.append(threading.current_thread())
        assert compresslevel == 1
        return pack(data, compresslevel, mtime=mtime)

    monkeypatch.setattr(gzip, "compress", watched)
    body, _ = await Compressor("on").packed(b"x" * size, b"gzip")
    assert gzip.decompress(body) == b"x" * size
    assert [thread is not threading.main_thread() for thread in threads] == [aside]


# --- in -----------------------------------------------------------------------------------------------------------------


def records(*numbers: int) -> bytes:
    return json.dumps([graph_alert(number) for number in numbers]).encode()


async def hand_in(graph: Graph, body: bytes, coding: str = "gzip") -> tuple[int, str]:
    answer = await graph.ask("POST", "/ingest/graph", content=body, headers={"content-encoding": coding})
    return answer.status_code, answer.text


@pytest.mark.parametrize("coding", ["gzip", "GZip", "x-gzip", "identity, gzip", "gzip,"])
async def test_records_may_come_compressed(desk: Graph, coding: str) -> None:
    status, said = await hand_in(desk, gzip.compress(records(901, 902)), coding)
    assert status == 200, said
    assert {item["title"] for item in (await desk.get(LIST))["value"]} >= {"Made-up alert 901", "Made-up alert 902"}


async def test_members_that_were_strung_together_are_read_on(desk: Graph) -> None:
    lines = [json.dumps(graph_alert(number)).encode() + b"\n" for number in (911, 912, 913)]
    status, said = await hand_in(desk, b"".join(map(gzip.compress, lines)) + b"\0" * 512)
    assert status == 200, said
    assert {item["title"] for item in (await desk.get(LIST))["value"]} >= {f"Made-up alert {n}" for n in (911, 912, 913)}


async def test_every_body_may_come_compressed(desk: Graph) -> None:
    await desk.hand_in("graph", graph_alert(920, title="packed"))
    [key] = await desk.ids(LIST, filter="title eq 'packed'")
    headers = {"content-encoding": "gzip", "content-type": "application/json"}

    def packed(value: object) -> bytes:
        return gzip.compress(json.dumps(value).encode())

    changed = await desk.ask("PATCH", f"{LIST}/{key}", content=packed({"status": "resolved"}), headers=headers)
    assert (changed.status_code, changed.json()["status"]) == (200, "resolved")
    said = await desk.ask("POST", f"{LIST}/{key}/comments", content=packed({"comment": "x"}), headers=headers)
    assert said.status_code == 200
    batch = {"requests": [{"id": "1", "method": "GET", "url": f"/{LIST}/{key}"}]}
    told = await desk.ask("POST", "$batch", content=packed(batch), headers=headers)
    assert [item["status"] for item in told.json()["responses"]] == [200]
    form = f"grant_type=client_credentials&scope=https://graph.microsoft.com/.default&client_id={desk.application.id}"
    token = await desk.http.post(
        f"/{desk.tenant.id}/oauth2/v2.0/token", content=gzip.compress(f"{form}&client_secret={desk.secret}".encode()),
        headers={"content-encoding": "gzip"},
    )  # fmt: skip
    assert token.status_code == 200, token.text


@pytest.mark.parametrize("coding", ["deflate", "br", "zstd", "compress", "gzip, gzip", "deflate, gzip", "nonsense"])
async def test_other_codings_are_refused_and_gzip_is_offered(desk: Graph, coding: str) -> None:
    answer = await desk.ask("POST", "/ingest/graph", content=b"x", headers={"content-encoding": coding})
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "gzip"
    assert "Content-Encoding: gzip" in answer.json()["error"]["message"]


WHOLE = gzip.compress(records(930), mtime=0)


@pytest.mark.parametrize(("body", "says"), [
    (b"[]", "is not gzip"),
    (zlib.compress(b"[]"), "is not gzip"),
    (WHOLE[:-1], "ends before its end"),
    (WHOLE[:40], "ends before its end"),
    (WHOLE[:10], "ends before its end"),
    (WHOLE[:3], "ends before its end"),
    (WHOLE[:-8] + b"\0" * 8, "is not gzip"),
    (WHOLE + b"more", "is not gzip"),
    (WHOLE[:60] + b"\xff" * 20 + WHOLE[80:], "is not gzip"),
    (gzip.compress(b"", mtime=0) * (MEMBERS + 1), "more than 4096 members"),
])  # fmt: skip
async def test_a_broken_stream_is_refused(desk: Graph, body: bytes, says: str) -> None:
    status, said = await hand_in(desk, body)
    assert status == 400, said
    assert says in said


async def test_an_empty_body_is_empty_whatever_its_coding(desk: Graph) -> None:
    status, said = await hand_in(desk, b"")
    assert (status, "The body is empty" in said) == (400, True)


@pytest.mark.parametrize("method", ["ingest", "api"])
async def test_a_bomb_is_refused_by_what_it_unfolds_to(front: Callable[..., Graph], method: str) -> None:
    graph = front(body_bytes=100_000, ingest_bytes=200_000)
    most = 100_000 if method == "api" else 200_000
    path, verb = (f"{LIST}/x", "PATCH") if method == "api" else ("/ingest/graph", "POST")
    bomb = gzip.compress(b" " * 10_000_000)
    assert len(bomb) < most
    answer = await graph.ask(verb, path, content=bomb, headers={"content-encoding": "gzip", "content-type": "application/json"})
    assert answer.status_code == 413
    assert f"more than {most} bytes" in answer.json()["error"]["message"]


async def test_a_body_unfolds_to_the_bound_and_not_a_byte_further() -> None:
    for size in (10, INLINE, INLINE + 1, 300_000):
        data = gzip.compress(b"y" * size)
        assert await unpacked(data, size) == b"y" * size
        with pytest.raises(TooLarge):
            await unpacked(data, size - 1)
        twice = data + data
        assert len(await unpacked(twice, 2 * size)) == 2 * size
        with pytest.raises(TooLarge):
            await unpacked(twice, 2 * size - 1)


async def test_a_bomb_holds_up_nobody() -> None:
    bomb = gzip.compress(b"\0" * 30_000_000) + gzip.compress(b"") * MEMBERS
    pauses, last = [], time.perf_counter()

    async def watch() -> None:
        nonlocal last
        while True:
            await asyncio.sleep(0.001)
            pauses.append(time.perf_counter() - last)
            last = time.perf_counter()

    watching = asyncio.create_task(watch())
    with pytest.raises((BadBody, TooLarge)):
        await unpacked(bomb, 29_000_000)
    watching.cancel()
    assert len(pauses) > 10  # it went on beside the unpacking
