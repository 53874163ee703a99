"""Datagrams: each a message; those that come faster than they are stored are dropped by the kernel, which counts them."""

from __future__ import annotations

import asyncio
import socket

import pytest
from tests.listen.near import near_datagrams, until

from secgraph.listen.drops import in_table

TABLE = """\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  161: 0100007F:1538 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0
  162: 0100007F:1539 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 1234
"""


@pytest.mark.parametrize(("inode", "count"), [("4711", 0), ("4712", 1234), ("4713", None)])
def test_the_kernel_counts_by_socket(inode: str, count: int | None) -> None:
    assert in_table(TABLE, inode) == count


async def test_each_datagram_is_a_message() -> None:
    async with near_datagrams() as (room, made, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for data in (b"<1>one\n", b"<1>two\0", b"", b"\n", b"<1>three\nlines", b"x" * 60_000):
                sender.sendto(data, ("127.0.0.1", port))
        await until(lambda: len(room.stored) == 4)
        assert room.stored == [b"<1>one", b"<1>two", b"<1>three\nlines", b"x" * 60_000]
        assert made.dropped == 0


async def test_a_flood_is_counted() -> None:
    """Nothing is stored meanwhile: what fits into the bound waits, what fits into the kernel too, the rest is lost and counted."""
    async with near_datagrams(opened=False, most=1_000_000) as (room, made, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sent = 0
            while not made.dropped:
                for _ in range(500):
                    sender.sendto(b"<1>" + b"x" * 1000, ("127.0.0.1", port))
                sent += 500
                await asyncio.sleep(0)
                assert sent < 100_000
        lost = made.dropped
        assert lost
        room.open.set()
        await until(lambda: len(room.stored) == sent - lost)
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sender:
            sender.sendto(b"<1>after", ("127.0.0.1", port))
        await until(lambda: room.stored[-1] == b"<1>after")


async def test_at_the_end_what_the_kernel_has_is_read() -> None:
    async with near_datagrams() as (room, _, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(1000):
                sender.sendto(b"<1>%d" % number, ("127.0.0.1", port))
    assert len(room.stored) == 1000
