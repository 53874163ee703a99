"""The seal: what comes out is what went in, and only where it belongs, and only with the key."""

from __future__ import annotations

import base64
import re

import pytest

from secgraph.errors import UsageError
from secgraph.seal import Damaged, OtherKey, Seal, key_of, new_key

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
ABOUT = "signing_keys token 0001 17"


@pytest.mark.parametrize("data", [b"", b"\x00", b"a key" * 300, bytes(range(256))])
@pytest.mark.parametrize("about", ["", ABOUT, "quelle Müller/\N{SNOWMAN}"])
def test_what_was_sealed_opens_as_what_it_is_about(data: bytes, about: str) -> None:
    sealed = Seal(KEY).sealed(data, about)
    assert Seal(KEY).opened(sealed, about) == data
    assert len(data) < 2 or data not in sealed


def test_the_same_is_sealed_differently_every_time() -> None:
    seal = Seal(KEY)
    assert len({seal.sealed(b"secret", ABOUT) for _ in range(100)}) == 100


@pytest.mark.parametrize("about", ["", "signing_keys token 0001 18", "signing_keys links 0001 17", ABOUT + " ", ABOUT[:-1]])
def test_it_opens_as_nothing_else(about: str) -> None:
    with pytest.raises(Damaged, match="damaged"):
        Seal(KEY).opened(Seal(KEY).sealed(b"secret", ABOUT), about)


def test_every_changed_byte_is_noticed() -> None:
    sealed = Seal(KEY).sealed(b"secret", ABOUT)
    assert len(sealed) == 1 + 8 + 12 + 6 + 16
    for place in range(len(sealed)):
        for bit in (1, 128):
            changed = bytearray(sealed)
            changed[place] ^= bit
            # Where the id of the key is changed it is that of another one.
            with pytest.raises(OtherKey if 1 <= place <= 8 else Damaged):
                Seal(KEY).opened(bytes(changed), ABOUT)


@pytest.mark.parametrize("length", [0, 1, 8, 9, 20, 21, 36, 42])
def test_what_is_cut_off_is_noticed(length: int) -> None:
    sealed = Seal(KEY).sealed(b"secret", ABOUT)
    with pytest.raises(Damaged):
        Seal(KEY).opened(sealed[:length], ABOUT)
    with pytest.raises(Damaged):
        Seal(KEY).opened(sealed + b"x", ABOUT)


def test_another_key_is_told_from_damage() -> None:
    sealed = Seal(OTHER).sealed(b"secret", ABOUT)
    with pytest.raises(OtherKey) as refused:
        Seal(KEY).opened(sealed, ABOUT)
    assert isinstance(refused.value, UsageError)
    assert (refused.value.made, refused.value.given) == (Seal(OTHER).id.hex(), Seal(KEY).id.hex())
    assert (Seal(OTHER).made(sealed), Seal(KEY).made(sealed)) == (True, False)


def test_the_name_of_a_key_under_another_key_opens_nothing() -> None:
    sealed = Seal(OTHER).sealed(b"secret", ABOUT)
    with pytest.raises(Damaged):
        Seal(KEY).opened(sealed[:1] + Seal(KEY).id + sealed[9:], ABOUT)


@pytest.mark.parametrize("extra", [b"", b"\xff", b"\x00" * 32])
def test_every_byte_of_a_key_counts(extra: bytes) -> None:
    keys = [KEY + extra, OTHER + extra, KEY + extra + b"\x01"]
    assert len({Seal(key).id for key in keys}) == 3
    assert all(key[:8] not in Seal(key).id for key in keys)


@pytest.mark.parametrize("length", [0, 1, 16, 31])
def test_a_short_key_is_none(length: int) -> None:
    with pytest.raises(ValueError, match="at least 32 random bytes"):
        Seal(b"x" * length)


LONG = bytes(range(200, 248))
BASE64 = base64.b64encode(LONG[:40]).decode()


@pytest.mark.parametrize(("text", "key"), [
    (KEY.hex(), KEY),
    (KEY.hex().upper(), KEY),
    (f"  {KEY.hex()}\n", KEY),
    (LONG.hex(), LONG),
    (base64.b64encode(KEY).decode(), KEY),
    (base64.b64encode(KEY).decode().rstrip("="), KEY),
    (base64.b64encode(LONG).decode(), LONG),
    (base64.urlsafe_b64encode(LONG).decode(), LONG),
    (base64.urlsafe_b64encode(b"\xff" * 33 + KEY).decode().rstrip("="), b"\xff" * 33 + KEY),
])  # fmt: skip
def test_a_key_is_written_in_hexadecimal_or_base64(text: str, key: bytes) -> None:
    assert key_of(text) == key


@pytest.mark.parametrize("text", [
    "", " ", "secret", KEY[:31].hex(), KEY.hex()[:-1], base64.b64encode(KEY[:31]).decode(), BASE64 + "!", BASE64[:20] + " " + BASE64[20:],
    "a passphrase that is quite long but was thought up by a person", KEY.hex() + "\n" + KEY.hex(), "\u00e9" * 64, "=" * 64,
])  # fmt: skip
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be at least 32 random bytes in hexadecimal or base64") as refused:
        key_of(text)
    assert not text.strip() or text.strip() not in str(refused.value)


def test_new_keys_are_keys_and_never_the_same() -> None:
    made = {new_key() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(r"[0-9a-f]{64}", text) and len(key_of(text)) == 32 for text in made)
