"""`secgraph keys`: what is listed, made, taken in and removed, and the key that seals it all."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from secgraph import clock

Ended = subprocess.CompletedProcess[str]


def data(ended: Ended) -> Any:
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return json.loads(ended.stdout)


def refused(ended: Ended) -> str:
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    return " ".join(ended.stderr.split())


def own_key(folder: Path, bits: int = 2048) -> Path:
    key = rsa.generate_private_key(65537, bits)
    file = folder / "own.pem"
    file.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))  # fmt: skip
    return file


@pytest.fixture
def where(tmp_path: Path, command: Any) -> tuple[Any, ...]:
    """A data folder as after the first start: an earlier version's keys are taken in by a rotation too."""
    keys = tmp_path / "data" / "keys"
    keys.mkdir(parents=True)
    own_key(keys).rename(keys / "token-0001.pem")
    assert command("keys", "rotate", "--data", tmp_path / "data").returncode == 0
    return ("--data", tmp_path / "data")


def test_keys_of_a_folder_without_any(tmp_path: Path, command: Any) -> None:
    assert data(command("keys", "list", "--data", tmp_path, "--json")) == []
    assert data(command("keys", "list", "--links", "--data", tmp_path, "--json")) == []
    for words in (("rotate",), ("rotate", "--links"), ("add", own_key(tmp_path))):
        assert "first start" in refused(command("keys", *words, "--data", tmp_path))
    assert not (tmp_path / "seal.key").exists()
    assert not (tmp_path / "keys").exists()


def test_what_is_listed(command: Any, where: tuple[Any, ...]) -> None:
    [new, old] = data(command("keys", "list", *where, "--json"))
    assert [one["state"] for one in (new, old)] == ["signs", "honoured"]
    assert new.keys() == {"id", "state", "startDateTime", "endDateTime", "name"}
    assert (clock.ticks(old["endDateTime"]) or 0) - (clock.ticks(new["startDateTime"]) or 0) == 3899 * clock.SECOND
    [links] = data(command("keys", "list", "--links", *where, "--json"))
    assert (links["state"], links["name"], links["endDateTime"]) == ("signs", "0001", None)
    said = command("keys", "list", *where).stdout
    assert all(word in said for word in (new["id"], old["id"], "signs", "honoured", old["endDateTime"][:19], new["name"]))


def test_a_rotation_of_each_kind(command: Any, where: tuple[Any, ...]) -> None:
    for flags, states in (([], ["signs", "honoured", "honoured"]), (["--links"], ["signs", "honoured"])):
        shown = data(command("keys", "rotate", *flags, *where, "--json"))
        assert [one["state"] for one in shown] == states
        assert shown == data(command("keys", "list", *flags, *where, "--json"))
    said = command("keys", "rotate", *where).stdout
    assert f"The key {data(command('keys', 'list', *where, '--json'))[0]['id']} signs from now on." in said


def test_removing_by_name_and_by_any_id(command: Any, where: tuple[Any, ...]) -> None:
    for _ in range(3):
        command("keys", "rotate", *where)
    while len(shown := data(command("keys", "list", *where, "--json"))) > 1:
        word = shown[-1]["id"] if len(shown) % 2 else shown[-1]["name"]
        assert len(data(command("keys", "remove", word, *where, "--json"))) == len(shown) - 1
    assert "signs at present" in refused(command("keys", "remove", shown[0]["id"], *where))
    assert "no key '-starts-with-a-dash'" in refused(command("keys", "remove", "-starts-with-a-dash", *where))
    assert "no key '0002'" in refused(command("keys", "remove", "0002", "--links", *where))
    assert "signs at present" in refused(command("keys", "remove", "0001", "--links", *where))
    assert len(data(command("keys", "list", *where, "--json"))) == 1


def test_a_key_of_ones_own(command: Any, where: tuple[Any, ...], tmp_path: Path) -> None:
    file = own_key(tmp_path, 3072)
    shown = data(command("keys", "add", file, *where, "--json"))
    assert [one["state"] for one in shown] == ["signs", "honoured", "honoured"]
    assert "is there already" in refused(command("keys", "add", file, *where))
    assert "cannot be read: No such file" in refused(command("keys", "add", tmp_path / "none", *where))
    file.write_text("nonsense")
    assert "own.pem cannot be read" in refused(command("keys", "add", file, *where))


def test_a_damaged_key_is_listed_and_can_be_removed(command: Any, where: tuple[Any, ...]) -> None:
    connection = sqlite3.connect(where[1] / "secgraph.db")
    with connection:
        connection.execute("UPDATE signing_keys SET sealed = x'01', starts = 9223372036854775807 WHERE name = '0001'")
    connection.close()
    [_, damaged] = data(command("keys", "list", *where, "--json"))
    assert damaged == {"id": None, "state": "damaged", "startDateTime": None, "endDateTime": None, "name": "0001"}
    assert "damaged" in command("keys", "list", *where).stdout
    assert [one["state"] for one in data(command("keys", "remove", "0001", *where, "--json"))] == ["signs"]


# --- the seal


def test_a_new_seal_key_is_printed_bare(command: Any) -> None:
    made = {command("keys", "seal-key").stdout for _ in range(5)}
    assert len(made) == 5
    assert all(len(bytes.fromhex(one)) == 32 and one == f"{one.strip()}\n" for one in made)


def test_sealing_with_another_key_from_the_file_to_the_file(command: Any, where: tuple[Any, ...], tmp_path: Path) -> None:
    file, new = where[1] / "seal.key", tmp_path / "new"
    new.write_text(command("keys", "seal-key").stdout)
    before, former = data(command("keys", "list", *where, "--json")), file.read_text()
    said = command("keys", "reseal", "--new", f"@{new}", *where).stdout
    assert "3 keys and secrets are sealed with the new key" in said
    assert str(file) in said
    assert file.read_text() == new.read_text() != former
    assert file.stat().st_mode & 0o777 == 0o600
    assert data(command("keys", "list", *where, "--json")) == before
    file.write_text(former)  # as if it had been cut off before the file was written
    assert "sealed with another key" in refused(command("keys", "list", *where))
    assert data(command("keys", "reseal", "--new", f"@{new}", *where, "--json")) == {"sealed": 0}
    assert data(command("keys", "list", *where, "--json")) == before


def test_sealing_with_another_key_from_a_setting_to_a_setting(command: Any, where: tuple[Any, ...], tmp_path: Path) -> None:
    file, new = where[1] / "seal.key", tmp_path / "new"
    given = {"SECGRAPH_SEAL_KEY": file.read_text()}
    file.unlink()
    before = data(command("keys", "list", *where, "--json", **given))
    new.write_text(command("keys", "seal-key").stdout)
    assert "Set SECGRAPH_SEAL_KEY" in command("keys", "reseal", "--new", f"@{new}", *where, **given).stdout
    assert not file.exists()
    assert "sealed with another key" in refused(command("keys", "list", *where, **given))
    assert data(command("keys", "list", *where, "--json", SECGRAPH_SEAL_KEY=f"@{new}")) == before


@pytest.mark.parametrize(("new", "said"), [
    ("ab" * 32, "Give the new key in a file: --new @file"),
    ("@/nowhere", "The file /nowhere cannot be read: No such file or directory"),
    ("@{short}", "must be at least 32 random bytes"),
    ("@{binary}", "is not text"),
])  # fmt: skip
def test_what_cannot_seal_changes_nothing(command: Any, where: tuple[Any, ...], tmp_path: Path, new: str, said: str) -> None:
    (tmp_path / "short").write_text("ab" * 31)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    before = (where[1] / "seal.key").read_text(), data(command("keys", "list", *where, "--json"))
    text = new.format(short=tmp_path / "short", binary=tmp_path / "binary")
    ended = refused(command("keys", "reseal", "--new", text, *where))
    assert said in ended
    assert "ab" * 31 not in ended
    assert ((where[1] / "seal.key").read_text(), data(command("keys", "list", *where, "--json"))) == before


def test_without_the_key_everything_about_keys_says_what_to_do(command: Any, where: tuple[Any, ...]) -> None:
    (where[1] / "seal.key").unlink()
    for words in (("list",), ("rotate",), ("rotate", "--links"), ("remove", "0001")):
        said = refused(command("keys", *words, *where))
        assert "SECGRAPH_SEAL_KEY=@file" in said
        assert "secgraph keys discard" in said
    assert not (where[1] / "seal.key").exists()
    assert command("tenant", "create", "contoso", *where).returncode == 0, "the rest needs no key"
    assert "--yes" in refused(command("keys", "discard", *where))
    assert data(command("keys", "discard", "--yes", *where, "--json")) == {"removed": 3}
    assert data(command("keys", "list", *where, "--json")) == []


def test_the_setting_is_never_shown(command: Any, tmp_path: Path) -> None:
    shown = command("settings", "--data", tmp_path, SECGRAPH_SEAL_KEY="ab" * 32).stdout
    assert "seal_key" in shown
    assert "abab" not in shown
