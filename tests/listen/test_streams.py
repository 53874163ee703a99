"""Connections of senders, good ones and others: what is stored, what is acknowledged, and what they may use up."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.listen.near import near, until
from tests.listen.test_relp import OPEN, frame

from secgraph import clock, tls
from secgraph.listen.address import Certificate
from secgraph.listen.framing import BROKE_OFF, TOO_LONG
from secgraph.listen.streams import Limits
from secgraph.testing import self_signed

PEM = Encoding.PEM


async def test_lines_of_both_framings_are_stored_in_their_order() -> None:
    async with near() as here:
        _, writer = await here.connect()
        writer.write(b"<1>one\n7 <1>two\n<1>three\n")
        writer.write_eof()
        await until(lambda: len(here.room.stored) == 3)
    assert here.room.stored == [b"<1>one", b"<1>two", b"<1>three"]


async def test_at_the_end_what_is_on_its_way_is_read_and_stored() -> None:
    async with near() as here:
        _, writer = await here.connect()
        writer.write(b"<1>one\n" * 5000)
        await writer.drain()
    assert len(here.room.stored) == 5000


async def test_what_cannot_be_stored_now_is_stored_later() -> None:
    async with near() as here:
        here.room.busy = 3
        _, writer = await here.connect()
        writer.write(b"<1>one\n")
        await until(lambda: here.room.stored == [b"<1>one"])
        assert here.room.failed == ["what came cannot be stored now: not now"] * 3


async def test_a_connection_is_not_read_on_while_too_much_of_it_waits() -> None:
    limits = Limits(waiting=50_000)
    async with near(limits=limits, opened=False) as here:
        _, writer = await here.connect()
        line = b"<1>" + b"x" * 996 + b"\n"
        writer.write(line * 15_000)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.drain(), 0.5)
        assert here.intake.waiting < 3 * 65_536
        _, other = await here.connect()
        other.write(b"<1>another\n")
        here.room.open.set()
        await writer.drain()
        writer.close()
        await until(lambda: len(here.room.stored) == 15_001)


async def test_nothing_is_read_of_anybody_while_too_much_waits_of_all() -> None:
    async with near(opened=False, most=100_000) as here:
        for _ in range(20):
            _, writer = await here.connect()
            writer.write((b"<1>" + b"x" * 996 + b"\n") * 1000)
        await asyncio.sleep(0.3)
        assert here.intake.waiting < 100_000 + 2 * 65_536 * 1.3
        here.room.open.set()
        await until(lambda: len(here.room.stored) == 20_000)


async def test_ten_megabytes_without_a_line_feed() -> None:
    async with near() as here:
        _, writer = await here.connect()
        writer.write(b"\0x" * 5_000_000 + b"\n<1>after\n")
        await writer.drain()
        await until(lambda: len(here.room.stored) == 2)
    assert here.room.stored == [TOO_LONG, b"<1>after"]


async def test_unfinished_messages_of_all_connections_are_bounded() -> None:
    async with near(limits=Limits(held=300_000)) as here:
        for _ in range(10):
            _, writer = await here.connect()
            writer.write(b"x" * 100_000)
        await until(lambda: any("unfinished" in one for one in here.room.failed))
        await until(lambda: here.streams.connections < 10)


async def test_a_thousand_connections() -> None:
    async with near() as here:
        writers = [(await here.connect())[1] for _ in range(1000)]
        for number, writer in enumerate(writers):
            writer.write(b"<1>%d\n" % number)
        await until(lambda: len(here.room.stored) == 1000)
        assert sorted(here.room.stored) == sorted(b"<1>%d" % number for number in range(1000))
        for writer in writers:
            writer.close()


async def test_the_one_that_is_quiet_for_longest_makes_room() -> None:
    async with near(limits=Limits(connections=2, idle=0.2)) as here:
        quiet, _ = await here.connect()
        _, talks = await here.connect()
        await until(lambda: here.streams.connections == 2)
        await asyncio.sleep(0.25)
        talks.write(b"<1>one\n")
        await until(lambda: len(here.room.stored) == 1)
        _, third = await here.connect()
        assert await quiet.read() == b""
        fourth, _ = await here.connect()
        assert await fourth.read() == b""
        assert "there are 2 already" in here.room.failed[0]
        third.write(b"<1>three\n")
        talks.write(b"<1>two\n")
        await until(lambda: len(here.room.stored) == 3)


async def test_a_line_of_a_connection_that_breaks_is_kept_as_such() -> None:
    async with near() as here:
        _, writer = await here.connect()
        writer.write(b"<1>one\n100 <1>half")
        await until(lambda: here.room.stored == [b"<1>one"])
        writer.transport.abort()
        await until(lambda: here.room.stored == [b"<1>one", BROKE_OFF])


# --- RELP


async def test_a_message_is_acknowledged_when_it_is_stored_and_not_before() -> None:
    async with near(relp=True, opened=False) as here:
        reader, writer = await here.connect()
        writer.write(OPEN + frame(2, "syslog", b"<1>one") + frame(3, "syslog", b"<1>two") + frame(4, "close"))
        assert await reader.readuntil(b"commands=syslog\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)
        here.room.open.set()
        assert await reader.read() == b"2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 0\n0 serverclose 0\n"
    assert here.room.stored == [b"<1>one", b"<1>two"]


async def test_at_the_end_what_was_stored_is_acknowledged() -> None:
    async with near(relp=True, opened=False) as here:
        reader, writer = await here.connect()
        writer.write(OPEN + frame(2, "syslog", b"<1>one"))
        await reader.readuntil(b"commands=syslog\n")
    assert await reader.read() == b"2 rsp 6 200 OK\n0 serverclose 0\n"


async def test_a_broken_session_is_closed_and_told_of() -> None:
    async with near(relp=True) as here:
        reader, writer = await here.connect()
        writer.write(OPEN + frame(2, "syslog", b"<1>one") + b"GET / HTTP/1.1\r\n\r\n")
        assert (await reader.read()).endswith(b"2 rsp 6 200 OK\n")
        assert "no frame begins with b'GET / HTTP" in here.room.failed[0]


async def test_who_never_reads_acknowledgements_is_cut_off() -> None:
    async with near(relp=True, limits=Limits(unread=1000)) as here:
        reader, writer = await here.connect()
        reader._transport.pause_reading()  # type: ignore[attr-defined]  # noqa: SLF001 -- the way not to read
        number = 1
        writer.write(OPEN)
        with contextlib.suppress(ConnectionError):
            while not writer.transport.is_closing() and number < 3_000_000:
                writer.write(b"".join(frame(number + one, "syslog", b"x") for one in range(1, 5001)))
                number += 5000
                await writer.drain()
        await until(lambda: here.streams.connections == 0)
        await until(lambda: here.intake.waiting == 0)


# --- TLS


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tls.Files:
    files = tls.Files(tmp_path_factory.mktemp("own"))
    tls.ensure(files, frozenset({"localhost"}))
    return files


async def test_tls_with_clients_that_prove_themselves(own: tls.Files, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    client = tmp_path / "client.pem"
    client.write_bytes(self_signed(key, starts=clock.now() - clock.SECOND * 60, ends=clock.now() + clock.SECOND * 600).public_bytes(PEM))
    secret = tmp_path / "client.key"
    secret.write_bytes(key.private_bytes(PEM, PrivateFormat.PKCS8, NoEncryption()))
    trust = ssl.create_default_context(cafile=str(own.authority))
    proven = ssl.create_default_context(cafile=str(own.authority))
    proven.load_cert_chain(client, secret)
    async with near(certificate=Certificate(own.chain, own.key), clients=str(client)) as here:
        _, good = await here.connect(ssl=proven, server_hostname="localhost")
        good.write(b"<1>one\n")
        await until(lambda: here.room.stored == [b"<1>one"])
        with contextlib.suppress(OSError):  # with TLS 1.3 a client learns of it behind its handshake
            reader, bad = await here.connect(ssl=trust, server_hostname="localhost")
            bad.write(b"<1>two\n")
            await reader.read()
        await asyncio.sleep(0.1)
        assert here.room.stored == [b"<1>one"]
        good.close()


async def test_garbage_instead_of_tls_and_half_open_handshakes(own: tls.Files) -> None:
    trust = ssl.create_default_context(cafile=str(own.authority))
    async with near(certificate=Certificate(own.chain, own.key), limits=Limits(handshake=0.5)) as here:
        half, _ = await here.connect()
        reader, writer = await here.connect()
        writer.write(b"<1>not TLS at all\n" * 100)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(half.read(), 5) == b""
        _, good = await here.connect(ssl=trust, server_hostname="localhost")
        good.write(b"<1>one\n")
        await until(lambda: here.room.stored == [b"<1>one"])
        good.close()




async def test_handshakes_that_do_not_go_on_make_room(own: tls.Files) -> None:
    trust = ssl.create_default_context(cafile=str(own.authority))
    async with near(certificate=Certificate(own.chain, own.key), limits=Limits(handshakes=5)) as here:
        half = [await here.connect() for _ in range(40)]
        _, good = await here.connect(ssl=trust, server_hostname="localhost")
        good.write(b"<1>one\n")
        await until(lambda: here.room.stored == [b"<1>one"])
        ended = await asyncio.gather(*(_ended(reader) for reader, _ in half))
        assert sum(ended) >= 35, "the first ones were cut off"
        assert not all(ended)
        good.close()


async def _ended(reader: asyncio.StreamReader) -> bool:
    with contextlib.suppress(TimeoutError, ConnectionError):
        return await asyncio.wait_for(reader.read(1), 0.5) == b""
    return reader.at_eof() or reader.exception() is not None


async def test_a_process_without_files_takes_connections_again_when_it_has_some(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    accept, fails = loop.sock_accept, [errno.EMFILE, errno.ECONNABORTED]

    async def accepted(one: socket.socket) -> Any:
        if fails:
            raise OSError(fails.pop(), "no")
        return await accept(one)

    monkeypatch.setattr(loop, "sock_accept", accepted)
    async with near() as here:
        _, writer = await here.connect()
        writer.write(b"<1>one\n")
        await until(lambda: here.room.stored == [b"<1>one"])
        assert here.room.failed == ["no connection can be taken now: no."]
        writer.close()
