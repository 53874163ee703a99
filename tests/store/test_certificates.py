"""Certificates of applications: which files are taken, what is kept of them, and a database from before there were any."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apsw
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, pkcs12

from secgraph import clock as times
from secgraph.errors import UsageError
from secgraph.model.edm import load
from secgraph.store import certificate
from secgraph.store.registry import MOST_CERTIFICATES, Registry
from secgraph.store.sqlite.file import APPLICATION
from secgraph.store.sqlite.store import open_store
from secgraph.store.statements import migrations
from secgraph.testing import Clock, self_signed

if TYPE_CHECKING:
    from tests.store.conftest import Ground

NOW = Clock().at


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def made(key: Any, starts: int = -times.DAY, ends: int = times.DAY) -> x509.Certificate:
    return self_signed(key, starts=NOW + starts, ends=NOW + ends)


def pem(one: x509.Certificate) -> bytes:
    return one.public_bytes(Encoding.PEM)


def private(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


# --- files ---------------------------------------------------------------------------------------------------------------


def test_every_usual_file_is_read(key: rsa.RSAPrivateKey) -> None:
    one = made(key)
    text = pem(one)
    for data in (
        text, one.public_bytes(Encoding.DER), text.replace(b"\n", b"\r\n"), b"subject=CN = made up\n" + text, text + b"\n\n",
        private(key) + text, text + private(key), b"\xef\xbb\xbf" + text,
    ):  # fmt: skip
        found = certificate.read(data, NOW)
        assert (found.sha1, found.sha256) == (one.fingerprint(hashes.SHA1()).hex(), one.fingerprint(hashes.SHA256()).hex())  # noqa: S303 -- a name
        assert (found.starts, found.ends, found.created) == (NOW - times.DAY, NOW + times.DAY, NOW)
        assert found.subject == "CN=made up"
        assert found.key() == key.public_key()
        assert b"PRIVATE" not in found.der


def test_one_that_begins_later_is_taken(key: rsa.RSAPrivateKey) -> None:
    assert certificate.read(pem(made(key, times.DAY, 2 * times.DAY)), NOW).starts == NOW + times.DAY


REFUSED: dict[str, tuple[Callable[[rsa.RSAPrivateKey], bytes], str]] = {
    "nothing": (lambda _: b"", "-nokeys"),
    "text": (lambda _: b"certificate", "PEM or DER"),
    "a private key": (private, "a private key, which stays with the application"),
    "a public key": (lambda _: b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(b"x" * 300), "no certificate"),
    "a .pfx file": (
        lambda key: pkcs12.serialize_key_and_certificates(b"x", key, made(key), None, BestAvailableEncryption(b"x")),
        "openssl pkcs12",
    ),
    "a chain": (lambda key: pem(made(key)) * 3, "3 certificates"),
    "broken PEM": (lambda key: pem(made(key)).replace(b"MII", b"!!!", 1), "PEM or DER"),
    "cut off DER": (lambda key: made(key).public_bytes(Encoding.DER)[:-5], "PEM or DER"),
    "64 KB": (lambda key: pem(made(key)) + b"\n" * 65_536, "larger than 65536 bytes"),
    "an elliptic key": (lambda _: pem(made(ec.generate_private_key(ec.SECP256R1()))), "not RSA"),
    "a short key": (lambda _: pem(made(rsa.generate_private_key(65537, 1024))), "1024 bits; the least is 2048"),  # noqa: S505 -- that is the point
    "one that ended": (lambda key: pem(made(key, -2 * times.DAY, -times.SECOND)), "ended at"),
    "one that ends now": (lambda key: pem(made(key, -2 * times.DAY, 0)), "ended at"),
}


@pytest.mark.parametrize(("make", "said"), REFUSED.values(), ids=list(REFUSED))
async def test_a_file_that_cannot_be_used_is_told_and_leaves_nothing(
    ground: Ground, key: rsa.RSAPrivateKey, make: Callable[[rsa.RSAPrivateKey], bytes], said: str
) -> None:
    application, _ = await ground.registry.create_application(ground.tenant, "app", [])
    with pytest.raises(UsageError) as refused:
        await ground.registry.add_certificate(ground.tenant, application, make(key))
    assert said in str(refused.value)
    assert str(refused.value).endswith((".", "..."))
    assert await ground.registry.certificates(ground.tenant, application.id) == []


# --- what is kept --------------------------------------------------------------------------------------------------------


async def test_several_at_a_time_and_each_is_named_by_its_thumbprint(ground: Ground, key: rsa.RSAPrivateKey) -> None:
    registry, tenant = ground.registry, ground.tenant
    application, _ = await registry.create_application(tenant, "app", [])
    first, second = (made(key, ends=days * times.DAY) for days in (1, 2))
    one = await registry.add_certificate(tenant, application, pem(first))
    two = await registry.add_certificate(tenant, application, pem(second))
    assert await registry.certificates(tenant, application.id) == [one, two]
    assert (await registry.application(tenant, "app")).generation == application.generation
    with pytest.raises(UsageError, match="already"):
        await registry.add_certificate(tenant, application, first.public_bytes(Encoding.DER))
    for word in ("", one.sha1[:7], "%", "_" * 40, "nothing at all", one.sha1[:8] + "zz"):
        with pytest.raises(UsageError, match="thumbprint"):
            await registry.remove_certificate(tenant, application, word)
    colons = ":".join(one.sha1[at : at + 2] for at in range(0, 40, 2)).upper()
    assert await registry.remove_certificate(tenant, application, colons) == one
    assert await registry.certificates(tenant, application.id) == [two]
    assert (await registry.application(tenant, "app")).generation == application.generation + 1
    with pytest.raises(UsageError):
        await registry.remove_certificate(tenant, application, one.sha1)
    assert (await registry.application(tenant, "app")).generation == application.generation + 1
    assert await registry.remove_certificate(tenant, application, two.sha256[:8]) == two
    again = await registry.add_certificate(tenant, application, pem(first))
    assert again == one


async def test_a_certificate_belongs_to_one_application(ground: Ground, key: rsa.RSAPrivateKey) -> None:
    registry, other = ground.registry, await ground.registry.create_tenant("fabrikam")
    here, _ = await registry.create_application(ground.tenant, "app", [])
    there, _ = await registry.create_application(other, "app", [])
    beside, _ = await registry.create_application(ground.tenant, "beside", [])
    kept = await registry.add_certificate(ground.tenant, here, pem(made(key)))
    for tenant, application in ((ground.tenant, beside), (other, there)):
        assert await registry.certificates(tenant, application.id) == []
        with pytest.raises(UsageError):
            await registry.remove_certificate(tenant, application, kept.sha1)
    await registry.delete_application(ground.tenant, beside)
    await registry.delete_tenant(other)
    assert await registry.certificates(ground.tenant, here.id) == [kept]


@pytest.mark.parametrize("gone", ["tenant", "application"])
async def test_what_is_deleted_leaves_neither_certificates_nor_assertions(
    ground: Ground, clock: Clock, key: rsa.RSAPrivateKey, gone: str
) -> None:
    other = await ground.registry.create_tenant("fabrikam")
    kept = []
    for tenant in (ground.tenant, other):
        application, _ = await ground.registry.create_application(tenant, "app", [])
        await ground.registry.add_certificate(tenant, application, pem(made(key)))
        assert await ground.registry.admits(tenant, application.id, "jti", b"x", ends=2 * clock(), reuse=0)
        kept.append(application)
    if gone == "tenant":
        await ground.registry.delete_tenant(ground.tenant)
    else:
        await ground.registry.delete_application(ground.tenant, kept[0])
    for table in ("certificates", "assertions"):
        assert ground.place.rows(f"SELECT tenant, client FROM {table}") == [(other.number, kept[1].id)]


async def test_an_application_deleted_elsewhere_gets_none(ground: Ground, clock: Clock, key: rsa.RSAPrivateKey) -> None:
    application, _ = await ground.registry.create_application(ground.tenant, "app", [])
    await Registry(ground.store, ground.model, clock).delete_application(ground.tenant, application)
    with pytest.raises(UsageError, match="deleted meanwhile"):
        await ground.registry.add_certificate(ground.tenant, application, pem(made(key)))
    assert await ground.registry.certificates(ground.tenant, application.id) == []


async def test_there_is_an_end_to_how_many(ground: Ground, key: rsa.RSAPrivateKey) -> None:
    application, _ = await ground.registry.create_application(ground.tenant, "app", [])
    for _ in range(MOST_CERTIFICATES):
        await ground.registry.add_certificate(ground.tenant, application, pem(made(key)))
    with pytest.raises(UsageError, match="Remove one"):
        await ground.registry.add_certificate(ground.tenant, application, pem(made(key)))


async def test_a_new_secret_leaves_what_was_revoked_meanwhile(ground: Ground, clock: Clock) -> None:
    """Rotating must not write back permissions that it read before somebody took them away."""
    read, write = "SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"
    application, _ = await ground.registry.create_application(ground.tenant, "app", [read, write])
    await Registry(ground.store, ground.model, clock).revoke(ground.tenant, application, [write])
    await ground.registry.rotate(ground.tenant, application)
    found = await ground.registry.application(ground.tenant, "app")
    assert (found.permissions, found.generation) == (frozenset({read}), application.generation + 2)


@pytest.mark.parametrize(("reuse", "later", "good"), [
    (600, 0, True), (600, 599, True), (600, 600, False), (600, 100_000, False), (600, -599, True), (600, -3600, False),
    (0, 0, False), (0, -1, False), (0, 1, False),
])  # fmt: skip
async def test_how_long_an_assertion_is_taken_again(ground: Ground, clock: Clock, reuse: int, later: int, good: bool) -> None:
    ends = clock() + times.DAY * 2

    async def admitted(client: str, jti: str, content: bytes) -> bool:
        return await ground.registry.admits(ground.tenant, client, jti, content, ends=ends, reuse=reuse * times.SECOND)

    assert await admitted("client", "jti", b"content")
    clock.forward(later)
    assert await admitted("client", "jti", b"content") == good
    assert not await admitted("client", "jti", b"other content")
    assert await admitted("client", "another", b"content")
    assert await admitted("another", "jti", b"content")


# --- an upgrade ----------------------------------------------------------------------------------------------------------


def shape(path: Path) -> set[tuple[str, str]]:
    with closing(apsw.Connection(str(path))) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql NOT NULL").fetchall()
    return {(str(name), " ".join(str(sql).split())) for name, sql in rows}


async def test_a_database_of_the_first_schema_becomes_as_a_fresh_one(
    tmp_path: Path, clock: Clock, key: rsa.RSAPrivateKey
) -> None:
    old, fresh = tmp_path / "old.db", tmp_path / "fresh.db"
    with closing(apsw.Connection(str(old))) as connection:
        connection.pragma("application_id", APPLICATION)
        for text in migrations()[1]:
            connection.execute(text)
        connection.execute("INSERT INTO tenants VALUES (1, 'guid', 'contoso', 0, 0, 0, 0)")
        connection.execute("INSERT INTO applications VALUES (1, 'client', 'app', 0, 1, '[]')")
        connection.pragma("user_version", 1)
    model = load()
    for path in (old, fresh):
        store = open_store(path, model, clock)
        if path == old:
            registry = Registry(store, model, clock)
            tenant = await registry.tenant("contoso")
            application = await registry.application(tenant, "app")
            added = await registry.add_certificate(tenant, application, pem(made(key)))
            assert await registry.certificates(tenant, application.id) == [added]
        await store.close()
    assert shape(old) == shape(fresh)
