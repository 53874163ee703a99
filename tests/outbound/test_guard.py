"""What may be called: addresses, names, URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secgraph.errors import UsageError
from secgraph.extend import CallFailed
from secgraph.outbound.guard import Guard, public, trust

if TYPE_CHECKING:
    from pathlib import Path

    from tests.outbound.conftest import Hostile, Out


@pytest.mark.parametrize("address", [
    "0.0.0.1", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1",
    "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "64:ff9b:1::808:808", "2002:7f00:1::", "2002:a00:1::1",
    "2002:c0a8:1::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
])  # fmt: skip
def test_no_product_is_there(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize("address", [
    "1.1.1.1", "8.8.8.8", "20.190.128.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.255",
    "2606:4700::1111", "2a01:111:f400::1", "2603:1030::1", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8",
])  # fmt: skip
def test_products_may_be_there(address: str) -> None:
    assert public(address)


@given(st.ip_addresses(v=4))
def test_what_carries_an_address_is_as_good_as_that(inside: Any) -> None:
    number = int(inside)
    forms = (f"::ffff:{inside}", f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}", f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1")
    assert {public(one) for one in forms} == {public(str(inside))}


class Recording(httpcore.AsyncNetworkBackend):
    """Connects to nothing, and remembers what it was to connect to."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self.seen.append((host, port))
        raise httpcore.ConnectError("it is not there")


@pytest.mark.parametrize("private", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:10.0.0.1", "169.254.169.254", "64:ff9b::a00:1"])
async def test_a_name_that_leads_inside_is_not_called(out: Out, hostile: Hostile, private: str) -> None:
    out.names["rebound.example"] = [[private]]
    with pytest.raises(CallFailed, match=r"rebound\.example leads to .* not public.*outbound_private"):
        await out.web("rebound.example").call("GET", f"{out.origin('rebound.example')}/")
    assert hostile.connections == 0


async def test_what_was_checked_is_what_is_connected_to() -> None:
    seen, answers = Recording(), [["8.8.8.8", "10.0.0.1"], ["127.0.0.1"]]

    async def resolve(*_: Any) -> list[str]:
        return answers.pop(0)

    with pytest.raises(httpcore.ConnectError):
        await Guard((), resolve, seen).connect_tcp("rebound.example", 443)
    assert seen.seen == [("8.8.8.8", 443)]  # asked once, the name not handed on, and what is private of it left out
    assert answers == [["127.0.0.1"]]


async def test_every_connection_is_checked_anew(out: Out, hostile: Hostile) -> None:
    seen = Recording()
    out.network, out.names = seen, {"rebound.example": [["8.8.8.8"], ["127.0.0.1"]]}
    with pytest.raises(CallFailed, match="127"):
        await out.web("rebound.example").call("GET", f"{out.origin('rebound.example')}/")
    assert seen.seen == [("8.8.8.8", hostile.port)]


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "2130706433", "0x7f.1", "127.1"])
async def test_addresses_as_names_are_judged_too(host: str) -> None:
    seen = Recording()
    guard = Guard((), network=seen)
    with pytest.raises(CallFailed, match="not public"):
        await guard.connect_tcp(guard.expect(f"https://{host}/").raw_host.decode().strip("[]"), 443)
    assert seen.seen == []


@pytest.mark.parametrize(("url", "said"), [
    ("http://api.example.org/", "https only"), ("ftp://api.example.org/", "https only, not by ftp"), ("//api.example.org/", "without a scheme"),
    ("file:///etc/passwd", "without a host"), ("https:///path", "without a host"), ("https://user:word@api.example.org/", "user name or a password"),
    ("https://user@api.example.org/", "user name"), ("https://api.example.org:99999/", "Port 99999 of"), ("https://api.example.org:0/", "Port 0 of"), ("https://api.example.org:x/", "cannot be read"), ("https://a\nb/", "cannot be read"), ("", "without a host"),
])  # fmt: skip
def test_urls_that_are_not_called(url: str, said: str) -> None:
    with pytest.raises(CallFailed, match=said) as failed:
        Guard().expect(url)
    assert "word" not in str(failed.value).replace("password", "")


def test_plain_http_is_for_hosts_that_are_named() -> None:
    assert Guard(["wazuh.lan"]).expect("http://Wazuh.lan:55000/x").host == "wazuh.lan"
    assert Guard(["[fd00::1]"]).expect("http://[fd00::1]/").host == "fd00::1"
    with pytest.raises(CallFailed):
        Guard(["wazuh.lan"]).expect("http://api.wazuh.lan/")


def test_a_file_that_is_no_authority_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.pem of the setting outbound_ca"):
        trust(str(tmp_path / "none.pem"))
    (tmp_path / "no.pem").write_text("no")
    with pytest.raises(UsageError, match="no certificate"):
        trust(str(tmp_path / "no.pem"))
