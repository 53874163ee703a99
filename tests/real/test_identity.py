"""Unmodified msal and azure-identity against a real server over TLS: secrets and certificates, sync and aio, in every form in
which they sign; and the verbs that certificates and signing keys are kept with."""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import msal  # type: ignore[import-untyped]  # it ships no types
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientSecretCredential
from azure.identity.aio import CertificateCredential as AsyncCertificateCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, pkcs12

from secgraph import clock
from secgraph.testing import self_signed

SCOPE = "https://graph.microsoft.com/.default"
LIST = "/v1.0/security/alerts_v2"
READ = "SecurityAlert.Read.All"


@dataclass
class Holder:
    """An application's key and certificate, in the files that its libraries read."""

    folder: Path
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def own(self) -> Path:
        """The certificate alone: what is registered."""
        return self.folder / "own.pem"

    @property
    def combined(self) -> Path:
        return self.folder / "combined.pem"

    @property
    def locked(self) -> Path:
        """Key and certificate, the key under the password `x`."""
        return self.folder / "locked.pem"

    @property
    def pfx(self) -> Path:
        return self.folder / "both.pfx"

    @property
    def sha1(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 -- as people see it

    @property
    def private(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def holder(folder: Path) -> Holder:
    folder.mkdir()
    key = rsa.generate_private_key(65537, 2048)
    certificate = self_signed(key, starts=clock.now() - clock.DAY, ends=clock.now() + clock.DAY)
    made = Holder(folder, key, certificate)
    public = certificate.public_bytes(Encoding.PEM)
    made.own.write_bytes(public)
    made.combined.write_bytes(made.private.encode() + public)
    made.locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")) + public)
    made.pfx.write_bytes(pkcs12.serialize_key_and_certificates(b"made up", key, certificate, None, NoEncryption()))
    return made


@dataclass
class Client:
    """An application with a secret and a certificate, and where it is told to go."""

    id: str
    secret: str
    tenant: str
    root: str
    trust: str
    holder: Holder

    def opens(self, token: str) -> dict[str, Any]:
        """The token's claims, after using it."""
        with httpx.Client(verify=ssl.create_default_context(cafile=self.trust), base_url=self.root) as http:
            answer = http.get(f"{LIST}?$top=1", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        assert claims["appid"] == self.id
        return claims


def data(answer: Any, status: int = 0) -> Any:
    """The JSON a command printed."""
    assert answer.returncode == status, answer.stderr
    return json.loads(answer.stdout)


def refused(answer: Any) -> str:
    """The plain message of a command that was refused."""
    assert answer.returncode == 2, (answer.stdout, answer.stderr)
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr
    return " ".join(answer.stderr.split())


@pytest.fixture(scope="module")
def client(served: Any, secgraph: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Registered by the command line beside the running server, with REQUESTS_CA_BUNDLE as a person exports it."""
    env, where = served.quickstart, ("--data", served.folder, "--tenant", "quickstart", "--json")
    made = data(secgraph("app", "create", "certified", "-p", READ, *where))
    own = holder(tmp_path_factory.mktemp("identity") / "holder")
    data(secgraph("app", "certificate", "add", "certified", own.own, *where))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", env["CA_FILE"])
        yield Client(made["id"], made["secret"], env["TENANT"], env["BASE_URL"], env["CA_FILE"], own)


# --- msal ----------------------------------------------------------------------------------------------------------------

MSAL: dict[str, tuple[Callable[[Client], Any], str]] = {
    "a secret": (lambda c: c.secret, "1"),
    "RS256, x5t": (lambda c: {"private_key": c.holder.private, "thumbprint": c.holder.sha1}, "2"),
    "RS256, x5t, x5c": (
        lambda c: {"private_key": c.holder.private, "thumbprint": c.holder.sha1, "public_certificate": c.holder.own.read_text()},
        "2",
    ),
    "PS256, x5t#S256, x5c": (lambda c: {"private_key": c.holder.private, "public_certificate": c.holder.own.read_text()}, "2"),
    "a .pfx file": (lambda c: {"private_key_pfx_path": str(c.holder.pfx)}, "2"),
    "a .pfx file, x5c": (lambda c: {"private_key_pfx_path": str(c.holder.pfx), "public_certificate": True}, "2"),
}


def msal_app(client: Client, credential: Any, session: requests.Session, authority: str = "") -> Any:
    session.verify = client.trust
    return msal.ConfidentialClientApplication(
        client.id, client_credential=credential, instance_discovery=False, http_client=session,
        authority=authority or f"{client.root}/{client.tenant}",
    )  # fmt: skip


@pytest.mark.parametrize(("credential", "proof"), MSAL.values(), ids=list(MSAL))
def test_msal_gets_a_token(client: Client, credential: Callable[[Client], Any], proof: str) -> None:
    with requests.Session() as session:
        found = msal_app(client, credential(client), session).acquire_token_for_client([SCOPE])
        assert "access_token" in found, found
        assert client.opens(found["access_token"])["appidacr"] == proof


@pytest.mark.parametrize("authority", ["https://localhost:{port}/quickstart", "https://127.0.0.1:{port}/{tenant}"])
@pytest.mark.parametrize("credential", ["RS256, x5t", "PS256, x5t#S256, x5c"])
def test_msal_by_another_name(client: Client, credential: str, authority: str) -> None:
    named = authority.format(port=client.root.rpartition(":")[2], tenant=client.tenant)
    with requests.Session() as session:
        found = msal_app(client, MSAL[credential][0](client), session, named).acquire_token_for_client([SCOPE])
        assert "access_token" in found, found
        client.opens(found["access_token"])


@pytest.mark.parametrize("credential", [name for name in MSAL if name != "a secret"])
def test_msal_sends_one_assertion_several_times(client: Client, credential: str) -> None:
    """It keeps one for nine minutes: for other scopes, after a claims challenge, after its cache was emptied."""
    challenge = json.dumps({"access_token": {"nbf": {"essential": True, "value": str(int(time.time()))}}})
    with requests.Session() as session:
        sent: list[str] = []

        def keep(request: Any, *_: Any, **__: Any) -> Any:
            sent.append(str(request.request.body))
            return request

        session.hooks["response"].append(keep)
        app = msal_app(client, MSAL[credential][0](client), session)
        host = client.root.removeprefix("https://").partition(":")[0]
        first = app.acquire_token_for_client([SCOPE])
        second = app.acquire_token_for_client([f"{client.root}/.default"])
        third = app.acquire_token_for_client([f"https://{host}/.default"])
        fourth = app.acquire_token_for_client([SCOPE], claims_challenge=challenge)
        app.remove_tokens_for_client()
        fifth = app.acquire_token_for_client([SCOPE])
        found = [first, second, third, fourth, fifth]
        assert all("access_token" in one for one in found), found
        assert len({one["access_token"] for one in found}) == 5
        made = {part for body in sent for part in body.split("&") if part.startswith("client_assertion=")}
        assert len(made) == 1  # the reason why an assertion is taken again; were it two, this test would show nothing


def test_msal_is_told_what_is_wrong(client: Client, tmp_path: Path) -> None:
    stranger = holder(tmp_path / "stranger")
    wrong: list[tuple[Any, str, int]] = [
        ({"private_key": stranger.private, "thumbprint": stranger.sha1}, "invalid_client", 50012),
        ({"private_key": stranger.private, "thumbprint": client.holder.sha1}, "invalid_client", 700027),
        ("wrong", "invalid_client", 7000215),
    ]
    for credential, error, number in wrong:
        with requests.Session() as session:
            found = msal_app(client, credential, session).acquire_token_for_client([SCOPE])
        assert (found["error"], found["error_codes"]) == (error, [number])
        assert found["error_description"].startswith(f"AADSTS{number}: ")


# --- azure-identity ------------------------------------------------------------------------------------------------------

FILES: dict[str, tuple[Callable[[Holder], Path], dict[str, Any]]] = {
    "PEM": (lambda one: one.combined, {}),
    "PEM with its chain": (lambda one: one.combined, {"send_certificate_chain": True}),
    "PEM with a password": (lambda one: one.locked, {"password": "x"}),
    "PKCS #12": (lambda one: one.pfx, {}),
}


def credentials(kind: Any, client: Client, file: Path, **more: Any) -> Any:
    return kind(client.tenant, client.id, str(file), authority=client.root, disable_instance_discovery=True, **more)


@pytest.mark.parametrize(("file", "more"), FILES.values(), ids=list(FILES))
def test_azure_identity_proves_itself_by_certificate(client: Client, file: Callable[[Holder], Path], more: dict[str, Any]) -> None:
    with credentials(CertificateCredential, client, file(client.holder), **more) as one:
        token = one.get_token(SCOPE)
        assert client.opens(token.token)["appidacr"] == "2"
        assert time.time() + 3500 < token.expires_on < time.time() + 3700
        # As after a claims challenge: the library asks again at once, and msal inside it with the same assertion.
        claims = json.dumps({"access_token": {"nbf": {"essential": True, "value": str(int(time.time()))}}})
        again = one.get_token(SCOPE, claims=claims, enable_cae=True)
        more_again = one.get_token(SCOPE, claims=claims, enable_cae=True)
        assert len({token.token, again.token, more_again.token}) == 3
        client.opens(more_again.token)


@pytest.mark.parametrize(("file", "more"), FILES.values(), ids=list(FILES))
async def test_azure_identity_aio_proves_itself_by_certificate(
    client: Client, file: Callable[[Holder], Path], more: dict[str, Any]
) -> None:
    async with credentials(
        AsyncCertificateCredential, client, file(client.holder), connection_verify=client.trust, **more
    ) as one:
        token = await one.get_token(SCOPE)
        assert client.opens(token.token)["appidacr"] == "2"
        claims = json.dumps({"access_token": {"nbf": {"essential": True, "value": str(int(time.time()))}}})
        assert (await one.get_token(SCOPE, claims=claims, enable_cae=True)).token != token.token


async def test_azure_identity_proves_itself_by_secret(client: Client) -> None:
    more: dict[str, Any] = {"authority": client.root, "disable_instance_discovery": True}
    with ClientSecretCredential(client.tenant, client.id, client.secret, **more) as one:
        assert client.opens(one.get_token(SCOPE).token)["appidacr"] == "1"
    async with AsyncClientSecretCredential(
        client.tenant, client.id, client.secret, connection_verify=client.trust, **more
    ) as other:
        assert client.opens((await other.get_token(SCOPE)).token)["appidacr"] == "1"


@pytest.mark.parametrize("tenant", ["quickstart", "QuickStart"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_azure_identity_by_another_name(client: Client, tenant: str, host: str) -> None:
    """The aio credential builds the address, and the audience, from what was typed."""
    port = client.root.rpartition(":")[2]
    typed = Client(client.id, client.secret, tenant, f"https://{host}:{port}", client.trust, client.holder)
    with credentials(CertificateCredential, typed, client.holder.combined) as one:
        client.opens(one.get_token(SCOPE).token)
    async with credentials(AsyncCertificateCredential, typed, client.holder.combined, connection_verify=client.trust) as other:
        client.opens((await other.get_token(SCOPE)).token)


async def test_azure_identity_is_told_what_is_wrong(client: Client, tmp_path: Path) -> None:
    stranger = holder(tmp_path / "stranger")
    with (
        credentials(CertificateCredential, client, stranger.combined) as one,
        pytest.raises(ClientAuthenticationError, match="AADSTS50012"),
    ):
        one.get_token(SCOPE)
    async with credentials(AsyncCertificateCredential, client, stranger.combined, connection_verify=client.trust) as other:
        with pytest.raises(ClientAuthenticationError, match="AADSTS50012"):
            await other.get_token(SCOPE)


# --- the verbs -----------------------------------------------------------------------------------------------------------


def ended(http: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    """The first answer other than 200, within five seconds."""
    ends = time.monotonic() + 5
    while (answer := http.get(LIST, headers=headers)).status_code == 200 and time.monotonic() < ends:
        time.sleep(0.1)
    return answer


def test_a_certificate_from_its_registration_to_its_end(
    client: Client, served: Any, secgraph: Any, command: Any, tmp_path: Path
) -> None:
    """One takes over from the other, in the running server, without a moment in which none is good."""
    where = ("--data", served.folder, "--tenant", "quickstart", "--json")
    made = data(secgraph("app", "create", "rolling", "-p", READ, *where))
    old, new = holder(tmp_path / "old"), holder(tmp_path / "new")
    shown = data(secgraph("app", "certificate", "add", "rolling", old.combined, *where))
    assert set(shown) == {"thumbprint", "thumbprintSha256", "subject", "startDateTime", "endDateTime", "createdDateTime"}
    assert (shown["thumbprint"], shown["subject"]) == (old.sha1, "CN=made up")
    assert data(command("app", "certificate", "list", made["id"], *where)) == [shown]

    def token_of(one: Holder) -> Any:
        rolling = Client(made["id"], "", client.tenant, client.root, client.trust, one)
        with requests.Session() as session:
            credential = {"private_key": one.private, "thumbprint": one.sha1}
            return msal_app(rolling, credential, session).acquire_token_for_client([SCOPE])

    with served.client() as http:
        headers = {"authorization": f"Bearer {token_of(old)['access_token']}"}
        data(secgraph("app", "certificate", "add", "rolling", new.own, *where))
        assert http.get(LIST, headers=headers).status_code == 200
        assert "access_token" in token_of(old)
        data(secgraph("app", "certificate", "remove", "rolling", old.sha1.lower(), *where))
        assert 'error="insufficient_claims"' in ended(http, headers).headers["www-authenticate"]
        assert token_of(old)["error_codes"] == [50012]
        headers = {"authorization": f"Bearer {token_of(new)['access_token']}"}
        assert http.get(LIST, headers=headers).status_code == 200
    [left] = data(command("app", "certificate", "list", "rolling", *where))
    assert left["thumbprint"] == new.sha1


def test_people_see_thumbprints(tmp_path: Path, command: Any) -> None:
    where = ("--data", tmp_path / "data")
    one = holder(tmp_path / "holder")
    command("tenant", "create", "contoso", *where)
    command("app", "create", "app", *where)
    added = command("app", "certificate", "add", "app", one.combined, *where)
    assert one.sha1 in added.stdout
    assert "private key" in added.stderr  # it was in the file, and was left there
    assert one.sha1 in command("app", "certificate", "list", "app", *where).stdout
    assert one.sha1 in command("app", "certificate", "remove", "app", one.sha1[:8], *where).stdout
    everything = b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file())
    assert one.certificate.public_bytes(Encoding.DER) in everything
    assert one.private.encode()[100:400] not in everything


@pytest.mark.parametrize(("words", "said"), [
    (("add", "app", "/nowhere.pem"), "The file /nowhere.pem cannot be read: No such file or directory"),
    (("add", "app", "/"), "The file / cannot be read"),
    (("add", "app", "/dev/null"), "holds no certificate that can be read"),
    (("add", "nobody", "/dev/null"), "no application 'nobody'"),
    (("add", "app"), "Missing argument"),
    (("list", "nobody"), "no application 'nobody'"),
    (("remove", "app", "0123456789"), "has no certificate '0123456789'"),
    (("remove", "app"), "Missing argument"),
    (("renew",), "No such command 'renew'"),
])  # fmt: skip
def test_wrong_usage_is_one_plain_message(tmp_path: Path, command: Any, words: tuple[str, ...], said: str) -> None:
    where = ("--data", tmp_path / "data")
    command("tenant", "create", "contoso", *where)
    command("app", "create", "app", *where)
    assert said in refused(command("app", "certificate", *words, *where))


def test_a_new_signing_key_in_a_running_server(start: Any, secgraph: Any, tmp_path: Path) -> None:
    server = start(tmp_path / "data", "--empty").ready()
    where = ("--data", server.folder, "--json")
    [first] = data(secgraph("keys", "list", *where))
    assert (first["state"], first["name"], first["endDateTime"]) == ("signs", "0001", None)
    with server.client() as http:
        old = server.token(http)
        shown = data(secgraph("keys", "rotate", *where))
        assert [one["state"] for one in shown] == ["signs", "honoured"]
        assert shown[1]["id"] == first["id"]
        assert (clock.ticks(shown[1]["endDateTime"]) or 0) - (clock.ticks(shown[0]["startDateTime"]) or 0) == 3899 * clock.SECOND
        ends = time.monotonic() + 5
        while jwt.get_unverified_header(server.token(http)["authorization"][7:])["kid"] == first["id"] and time.monotonic() < ends:
            time.sleep(0.1)
        new = server.token(http)
        assert jwt.get_unverified_header(new["authorization"][7:])["kid"] == shown[0]["id"]
        published = http.get(f"/{server.quickstart['TENANT']}/discovery/v2.0/keys").json()["keys"]
        assert [key["kid"] for key in published] == [one["id"] for one in shown] == [
            one["id"] for one in data(secgraph("keys", "list", *where))
        ]  # fmt: skip
        assert [http.get(LIST, headers=headers).status_code for headers in (old, new)] == [200, 200]
        assert len(data(secgraph("keys", "remove", first["id"], *where))) == 1  # as after a theft
        assert ended(http, old).status_code == 401
        assert http.get(LIST, headers=new).status_code == 200
    assert "KeysChanged" in server.said
    assert server.stop() == 0


def test_a_server_started_anew_goes_on_with_keys_sealed_anew(start: Any, secgraph: Any, tmp_path: Path) -> None:
    server = start(tmp_path / "data", "--empty").ready()
    new = tmp_path / "new"
    new.write_text(secgraph("keys", "seal-key").stdout)
    with server.client() as http:
        token = server.token(http)
        assert data(secgraph("keys", "reseal", "--new", f"@{new}", "--data", server.folder, "--json")) == {"sealed": 2}
        assert (server.folder / "seal.key").read_text() == new.read_text()
        time.sleep(2.1)  # it looks again, and goes on with what it read before
        assert http.get(LIST, headers=token).status_code == 200
    assert server.stop() == 0
    again = start(server.folder, port=server.port).ready()
    with again.client() as http:
        assert http.get(LIST, headers=token).status_code == 200
    (server.folder / "seal.key").write_text("0f" * 32)
    assert again.stop() == 0
    refused_start = start(server.folder, port=server.port)
    assert refused_start.process.wait(30) == 2
    assert "secgraph keys discard" in refused_start.said
    assert "Traceback" not in refused_start.said
