"""The keys of this installation in the database, sealed: those that sign tokens, and those that sign links.

Of each kind the last by name signs. `rotate` adds one whose name says since when. The token keys before it are published and
honoured until every token that they signed is over, and no longer: a key that may sign nothing must prove nothing. Where it
is not known since when a key signs, those before it are honoured until they are removed, and so are all that signed links.

Every key is sealed about its kind, its name and its beginning, so that whoever can write to the database but does not have
the seal's key can neither make a key nor prolong one.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from secgraph import clock
from secgraph.edge import adopt
from secgraph.edge.links import link_key
from secgraph.errors import UsageError
from secgraph.observe import KeysImported, KeysLeft, observe
from secgraph.seal import Damaged, OtherKey, Seal
from secgraph.store.protocol import Store

Kind = Literal["token", "links"]
KINDS: tuple[Kind, ...] = ("token", "links")

FIRST = "0001"
"""The name of the first key of a kind: the same wherever it is made, so that of several there is one in the end."""

MARGIN = 300
"""Seconds that a key is honoured beyond the life of a token: a process may sign with it a moment longer."""

SHORTEST_WORD = 6
"""Fewest letters of an id that name a key."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A key as it stands in the database."""

    kind: Kind
    name: str
    starts: int | None
    sealed: bytes

    @property
    def about(self) -> str:
        """What it is sealed about."""
        return f"signing_keys {self.kind} {self.name} {self.starts}"

    def __str__(self) -> str:
        return f"{'signing key' if self.kind == 'token' else 'links key'} {self.name}"


@dataclass(frozen=True, slots=True)
class TokenKey:
    """An RSA key with its public form."""

    id: str
    name: str
    since: int | None
    """When it began to sign; None where nobody knows."""
    private: rsa.RSAPrivateKey
    public: rsa.RSAPublicKey
    jwk: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LinkKey:
    """What signs links."""

    id: str
    name: str
    since: int | None
    secret: bytes


Key = TokenKey | LinkKey


@dataclass(frozen=True, slots=True)
class Held:
    """A key and how long it is honoured."""

    name: str
    since: int | None
    key: Key | None
    """None where it was damaged: it neither signs nor proves anything."""
    ends: int | None
    """The end of the last token that it signed; None while that is not known, and for the one that signs."""


def key_in(one: Kept, seal: Seal) -> Key:
    """The key itself. OtherKey and Damaged as the seal tells them."""
    data = seal.opened(one.sealed, one.about)
    if one.kind == "links":
        return LinkKey(hashlib.sha256(b"secgraph links id" + data).hexdigest()[:16], one.name, one.starts, link_key(data))
    # It was checked when it was sealed, and the seal says that it is that one; the check takes a thousand times the reading.
    private = serialization.load_der_private_key(data, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise Damaged(one.about)
    public = private.public_key()
    numbers, name = public.public_numbers(), _id(public)
    jwk = {"kty": "RSA", "use": "sig", "kid": name, "x5t": name, "n": _base64url(numbers.n), "e": _base64url(numbers.e)}
    return TokenKey(name, one.name, one.starts, private, public, jwk)


def dated(keys: list[Key], life: int) -> list[Held]:
    """Keys of one kind, newest first, each with the end that the beginning of the one after it gives it. `life` is that of a
    token, in seconds.
    """
    later = (None, *(key.since for key in keys))
    return [
        Held(key.name, key.since, key,
             None if since is None or isinstance(key, LinkKey) else since + (life + MARGIN) * clock.SECOND)
        for key, since in zip(keys, later, strict=False)
    ]  # fmt: skip


def _id(public: rsa.RSAPublicKey) -> str:
    data = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).rstrip(b"=").decode()


def _base64url(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def _new(kind: Kind) -> bytes:
    if kind == "links":
        return secrets.token_bytes(32)
    return adopt.der(await asyncio.to_thread(rsa.generate_private_key, public_exponent=65537, key_size=2048))


class SigningKeys:
    """Reads and changes the keys. UsageError says what the person at the command line can do.

    `seal` gives the seal, and is told whether nothing is sealed yet, so that a key of it may be made. `folder` is where an
    earlier version had its keys.
    """

    def __init__(self, store: Store, seal: Callable[[bool], Seal], folder: Path, now: clock.Now, life: int) -> None:
        self._store = store
        self._seal_of = seal
        self._seal: Seal | None = None
        self._folder = folder
        self._now = now
        self.life = life

    def seal(self, *, first: bool = False) -> Seal:
        """The seal. UsageError when its key is not there, or is none."""
        if self._seal is None:
            self._seal = self._seal_of(first)
        return self._seal

    # -- reading

    async def kept(self) -> list[Kept]:
        """All keys as they stand in the database, newest first."""
        found = [Kept(row["kind"], row["name"], row["starts"], bytes(row["sealed"]))
                 for row in await self._store.fetch("signing_keys")]  # fmt: skip
        return sorted(found, key=lambda one: (one.kind, one.name), reverse=True)

    async def complete(self) -> list[Kept]:
        """All keys, after making those of a kind of which there is none."""
        found = await self.kept()
        missing = [kind for kind in KINDS if all(one.kind != kind for one in found)]
        if missing:
            for one in found:  # what they cannot open must not come among the others
                with contextlib.suppress(Damaged):
                    self.key(one)
            seal, now = self.seal(first=not found), self._now()
            await self._add(*[_sealed(seal, kind, FIRST, now, await _new(kind)) for kind in missing])
            found = await self.kept()
        return found

    async def open(self) -> None:
        """Takes in what an earlier version left, makes what is missing, and opens every key. UsageError where one cannot be."""
        left = adopt.files(self._folder)
        if left and not await self.kept():
            found, seal = adopt.read(left), self.seal(first=True)
            await self._add(*(_sealed(seal, one.kind, one.name, one.starts, one.data) for one in found))
            observe(KeysImported(str(self._folder), len(found)))
        kept = await self.complete()
        for one in kept:
            try:
                self.key(one)
            except Damaged as fault:
                more = " --links" if one.kind == "links" else ""
                raise UsageError(f"{fault} Restore the database, or make a new key (secgraph keys rotate{more}) and remove this"
                                 f" one: secgraph keys remove {one.name}{more}") from None  # fmt: skip
        if left:
            self._put_away(left, kept)

    def _put_away(self, left: list[Path], kept: list[Kept]) -> None:
        """Moves the files whose keys are in the database; the others are made known."""
        present = {self.seal().opened(one.sealed, one.about) for one in kept}
        try:
            others = adopt.put_away(left, present)
        except OSError as fault:
            observe(KeysLeft(str(self._folder), str(fault)))
        else:
            if others:
                observe(KeysLeft(str(self._folder), f"not in the database: {', '.join(file.name for file in others)}"))

    def key(self, one: Kept) -> Key:
        """The key itself. UsageError where it cannot be opened; that is a Damaged where the seal's key is the right one."""
        try:
            return key_in(one, self.seal())
        except Damaged:
            raise Damaged(f"The {one} in the database was damaged or changed by hand.") from None
        except OtherKey as fault:
            raise UsageError(f"The {one} in the database is sealed with another key ({fault.made}) than the one that is given"
                             f" ({fault.given}). Give the former one in the setting seal_key (SECGRAPH_SEAL_KEY=@file), or put"
                             " seal.key back into the data folder. If it is lost: secgraph keys discard. The next start then"
                             " makes new keys, and every token and link handed out is over.") from None  # fmt: skip

    async def held(self, kind: Kind) -> list[Held]:
        """The keys of a kind, the one that signs first; damaged ones last. UsageError when the seal's key is another one."""
        keys, damaged = list[Key](), list[Held]()
        for one in await self.kept():
            if one.kind == kind:
                try:
                    keys.append(self.key(one))
                except Damaged:
                    damaged.append(Held(one.name, None, None, None))
        return dated(keys, self.life) + damaged

    # -- changing

    async def rotate(self, kind: Kind) -> list[Held]:
        """Makes a key that signs from now on, and removes token keys that have been over for a day. All that are left, newest
        first. UsageError when there is none yet.
        """
        return await self._follow(kind, await _new(kind))

    async def add(self, pem: bytes, where: str) -> list[Held]:
        """Takes in a token key of a person's own, which signs from now on. UsageError when it is none, or is there already."""
        private = adopt.private(pem, where, adopt.SMALLEST)
        name = _id(private.public_key())
        if any(one.key is not None and one.key.id == name for one in await self.held("token")):
            raise UsageError(f"The key {name} is there already.")
        return await self._follow("token", adopt.der(private))

    async def _follow(self, kind: Kind, data: bytes) -> list[Held]:
        if not await self.kept() and adopt.files(self._folder):
            await self.open()
        former = [one for one in await self.kept() if one.kind == kind]
        if not former:
            raise UsageError("There is no key yet; the first start of the server makes one.")
        await self.held(kind)  # what the others cannot open must not come among them
        now = self._now() // clock.MICROSECOND * clock.MICROSECOND
        begins = max(now, *((one.starts or 0) + clock.MICROSECOND for one in former))
        await self._add(_sealed(self.seal(), kind, re.sub(r"[^0-9]", "", clock.text(begins))[:20], begins, data))
        found = await self.held(kind)
        over = [one for one in found if one.ends is not None and one.ends + clock.DAY < now]
        if over:
            await self._store.run(*(("signing_key_delete", {"kind": kind, "name": one.name}) for one in over))
        return [one for one in found if one not in over]

    async def remove(self, kind: Kind, word: str) -> list[Held]:
        """Removes the key of that name or id; what it signed is over. All that are left. UsageError when there is none, or it
        is the one that signs.
        """
        held = await self.held(kind)
        found = [one for one in held if word == one.name or _called(one, word)]
        if len(found) != 1:
            raise UsageError(f"There is no key '{word}'. Give its name or its id: secgraph keys list.")
        if found[0] is held[0] and held[0].key is not None:
            raise UsageError(f"The key {word} signs at present. Make another one first: secgraph keys rotate.")
        await self._store.run(("signing_key_delete", {"kind": kind, "name": found[0].name}))
        return [one for one in held if one is not found[0]]

    async def reseal(self, new: Seal) -> int:
        """Seals everything with another key, in one transaction; how many that were. UsageError when one cannot be opened."""
        count = 0
        # Again for what another process sealed with the former key meanwhile.
        while left := [one for one in await self.kept() if not new.made(one.sealed)]:
            for one in left:
                self.key(one)
            await self._store.run(*(("signing_key_seal", {
                "kind": one.kind, "name": one.name, "former": one.sealed,
                "sealed": new.sealed(self.seal().opened(one.sealed, one.about), one.about),
            }) for one in left))  # fmt: skip
            count += len(left)
        return count

    async def discard(self) -> int:
        """Removes all keys, whatever they are sealed with; how many that were."""
        count = len(await self.kept())
        await self._store.run(("signing_keys_delete", {}))
        return count

    async def _add(self, *new: dict[str, Any]) -> None:
        await self._store.run(*(("signing_key_add", one) for one in new))


def _called(one: Held, word: str) -> bool:
    return one.key is not None and len(word) >= SHORTEST_WORD and one.key.id.startswith(word)


def _sealed(seal: Seal, kind: Kind, name: str, starts: int | None, data: bytes) -> dict[str, Any]:
    about = Kept(kind, name, starts, b"").about
    return {"kind": kind, "name": name, "starts": starts, "sealed": seal.sealed(data, about)}
