"""The keys of this installation, in files only the owner can read: those that sign tokens, and one that signs links.

The last `token-*.pem` by name signs; `rotate` adds one whose name says since when. The ones before it are published and
honoured until every token that they signed is over, and no longer: a key that may sign nothing must prove nothing. A file
that a person named otherwise does not say since when it signs, so those before it are honoured until they are removed.

A running process looks at the folder again every two seconds, and at once when a token names a key that it does not know.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from secgraph import clock
from secgraph.errors import Busy, UsageError
from secgraph.observe import KeysChanged, KeysFailed, observe

FRESH_SECONDS = 2
"""How long a process may go on with what it last saw in the folder."""

MARGIN = 300
"""Seconds that a key is honoured beyond the life of a token: a process may sign with it a moment longer."""

_STAMPED = re.compile(r"token-(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{6})\.pem")


def write_private(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all, readable by its owner only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@dataclass(frozen=True, slots=True)
class TokenKey:
    """An RSA key with its public form."""

    id: str
    private: rsa.RSAPrivateKey
    public: rsa.RSAPublicKey
    jwk: dict[str, Any]
    file: Path
    since: int | None
    """When it began to sign; None when its name does not tell."""


def _base64url(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _token_key(file: Path) -> TokenKey:
    try:
        private = serialization.load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError, OSError) as fault:
        raise UsageError(f"The key {file} cannot be read: {fault}.") from None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise UsageError(f"The key {file} is not an RSA key.")
    public = private.public_key()
    numbers = public.public_numbers()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    name = base64.urlsafe_b64encode(hashlib.sha1(der, usedforsecurity=False).digest()).rstrip(b"=").decode()
    jwk = {"kty": "RSA", "use": "sig", "kid": name, "x5t": name, "n": _base64url(numbers.n), "e": _base64url(numbers.e)}
    return TokenKey(name, private, public, jwk, file, _since(file))


def _since(file: Path) -> int | None:
    match = _STAMPED.fullmatch(file.name)
    return clock.ticks("{}-{}-{}T{}:{}:{}.{}Z".format(*match.groups())) if match else None


def _make(path: Path) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    write_private(path, private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
    ))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """A key of the folder and how long it is honoured."""

    key: TokenKey
    ends: int | None
    """The end of the last token that it signed; None while that is not known, and for the one that signs."""


def held(folder: Path, life: int) -> list[Held]:
    """The token keys of a folder, the one that signs first. `life` is that of a token, in seconds. UsageError when one cannot
    be read.
    """
    return _dated([_token_key(file) for file in _files(folder)], life)


def _files(folder: Path) -> list[Path]:
    """The files of token keys, the one that signs first."""
    return sorted(folder.glob("token-*.pem"), reverse=True)


def _dated(keys: list[TokenKey], life: int) -> list[Held]:
    """The keys, newest first, each with the end that the beginning of the one after it gives it."""
    later = (None, *(key.since for key in keys))
    return [
        Held(key, None if since is None else since + (life + MARGIN) * clock.SECOND)
        for key, since in zip(keys, later, strict=False)
    ]


def rotate(folder: Path, now: int, life: int) -> list[Held]:
    """Makes a key that signs from now on, and removes those that have been over for a day. All that are left, newest first."""
    present = held(folder, life)
    if not present:
        raise UsageError(f"There is no key in {folder} yet; the first start of the server makes one.")
    newest = present[0].key
    begins = max(now, (newest.since or 0) + clock.MICROSECOND)
    file = folder / f"token-{re.sub(r'[^0-9]', '', clock.text(begins))[:20]}.pem"
    if file.name <= newest.file.name:
        raise UsageError(f"{newest.file} comes after every new key by its name, and the last one signs. Rename it to"
                         " token-0002.pem, say, and do this again.")  # fmt: skip
    _make(file)
    for one in held(folder, life):
        if one.ends is not None and one.ends + clock.DAY < now:
            one.key.file.unlink(missing_ok=True)
    return held(folder, life)


class KeyRing:
    """The keys of a folder as they stand there now. UsageError at first when one cannot be read; later on that is made
    known, and the others go on. A key whose file was removed proves nothing from then on.
    """

    def __init__(self, folder: Path, now: clock.Now, life: int) -> None:
        self._folder = folder
        self._now = now
        self._life = life
        self.links = _prepared(folder)
        self._seen = _listed(folder)
        self._held = held(folder, life)
        self._looked = now()
        self._honoured = self._good(self._looked)

    def tokens(self) -> list[TokenKey]:
        """Those that are honoured, the one that signs first."""
        self._look()
        return list(self._honoured.values())

    @property
    def signer(self) -> TokenKey:
        """The key that signs new tokens. Busy when none can be read."""
        found = self.tokens()
        if not found:
            raise Busy("There is no key that could sign a token.", hint="The log says what is wrong with the folder of keys.")
        return found[0]

    def public(self, name: str, *, again: bool = False) -> rsa.RSAPublicKey | None:
        """The public key of that id, when it is honoured. `again` looks at the folder at once for one that is not known."""
        self._look()
        if again and name not in self._honoured:
            self._look(fresh=True)
        found = self._honoured.get(name)
        return found.public if found is not None else None

    def _look(self, *, fresh: bool = False) -> None:
        now = self._now()
        # A clock set back would otherwise keep an old reading for as long as it was set back.
        if not fresh and 0 <= now - self._looked < FRESH_SECONDS * clock.SECOND:
            return
        self._looked = now
        seen = _listed(self._folder)
        if seen != self._seen:
            self._seen = seen
            self._held = _dated(self._read(), self._life)
        honoured = self._good(now)
        if honoured.keys() != self._honoured.keys():
            observe(KeysChanged(next(iter(honoured), ""), len(honoured)))
        self._honoured = honoured

    def _read(self) -> list[TokenKey]:
        """What can be read. A file that cannot be at the moment stands for the key that was read from it before."""
        former = {one.key.file: one.key for one in self._held}
        found = []
        try:
            _prepared(self._folder)
        except (UsageError, OSError) as fault:
            observe(KeysFailed(str(fault)))
        for file in _files(self._folder):
            try:
                found.append(_token_key(file))
            except UsageError as fault:
                observe(KeysFailed(str(fault)))
                found += [former[file]] if file in former else []
        return found

    def _good(self, now: int) -> dict[str, TokenKey]:
        return {one.key.id: one.key for one in self._held if one.ends is None or now < one.ends}


def _listed(folder: Path) -> list[tuple[str, int, int]]:
    """What tells whether a key came, went or changed."""
    found = []
    for file in folder.glob("token-*.pem"):
        with contextlib.suppress(OSError):  # removed meanwhile
            facts = file.stat()
            found.append((file.name, facts.st_mtime_ns, facts.st_size))
    return sorted(found)


def _prepared(folder: Path) -> bytes:
    """The key of links, after making what is missing in the folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    links = folder / "links.key"
    if not links.exists():
        write_private(links, secrets.token_bytes(32))
    if not any(folder.glob("token-*.pem")):
        _make(folder / "token-0001.pem")
    key = links.read_bytes()
    if len(key) < 32:
        raise UsageError(f"The key {links} is shorter than 32 bytes. Restore it, or remove it to have it made anew.")
    return key
