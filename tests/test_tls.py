"""The local authority and certificate: made once, kept while good, made anew when not."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from secgraph import tls
from secgraph.errors import UsageError

NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def files(tmp_path: Path) -> tls.Files:
    made = tls.Files(tmp_path)
    tls.ensure(made, NAMES, NOW)
    return made


def leaf(files: tls.Files) -> x509.Certificate:
    return x509.load_pem_x509_certificates(files.chain.read_bytes())[0]


def test_a_certificate_names_the_host_and_both_addresses(files: tls.Files) -> None:
    names = leaf(files).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(item.value) for item in names} == NAMES
    tls.context(files.chain, files.key)


def test_keys_are_for_their_owner_and_the_authority_is_for_everybody(files: tls.Files) -> None:
    assert [path.stat().st_mode & 0o777 for path in (files.key, files.authority_key)] == [0o600, 0o600]
    assert files.authority.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(("days", "anew"), [(0, False), (59, False), (61, True), (120, True)])
def test_it_is_made_anew_thirty_days_before_its_end(files: tls.Files, days: int, anew: bool) -> None:
    before, authority = files.chain.read_bytes(), files.authority.read_bytes()
    until = tls.ensure(files, NAMES, NOW + timedelta(days=days))
    assert (until is not None) is anew
    assert (files.chain.read_bytes() != before) is anew
    assert files.authority.read_bytes() == authority


def test_a_further_name_makes_it_anew(files: tls.Files) -> None:
    assert tls.ensure(files, NAMES | {"graph.example.org"}, NOW) is not None
    assert tls.ensure(files, NAMES, NOW) is None, "a certificate with more names than needed is good"


@pytest.mark.parametrize("spoil", ["key", "chain"])
def test_a_pair_that_does_not_fit_is_replaced(files: tls.Files, tmp_path: Path, spoil: str) -> None:
    other = tls.Files(tmp_path / "other")
    other.folder.mkdir()
    tls.ensure(other, NAMES, NOW)
    getattr(files, spoil).write_bytes(getattr(other, spoil).read_bytes())
    assert tls.ensure(files, NAMES, NOW) is not None
    tls.context(files.chain, files.key)


def test_a_broken_authority_is_said_plainly(files: tls.Files) -> None:
    files.authority_key.write_text("no key")
    with pytest.raises(UsageError, match="Remove both to have them made anew"):
        tls.ensure(files, NAMES, NOW)


def test_a_certificate_that_cannot_be_used_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        tls.context(tmp_path / "none.pem", tmp_path / "none.key")


def test_clients_that_trust_the_authority_trust_the_certificate(files: tls.Files) -> None:
    client = ssl.create_default_context(cafile=str(files.authority))
    assert client.cert_store_stats()["x509_ca"] == 1
    leaf(files).verify_directly_issued_by(x509.load_pem_x509_certificate(files.authority.read_bytes()))
