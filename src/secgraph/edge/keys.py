"""The keys as a running process has them: the ones that sign, and those that are still honoured.

They stand in the database, which every process of an installation reads. A process looks there again every two seconds, and
soon when a token or a link comes whose key it does not know: then another one may have signed with a new key a moment ago.
Such looks begin a tenth of a second apart at least, and all who wait share them: what strangers make up costs no more.
"""

from __future__ import annotations

import asyncio
import math
import time

from cryptography.hazmat.primitives.asymmetric import rsa

from secgraph import clock
from secgraph.edge.signing import Held, Kept, Key, Kind, LinkKey, SigningKeys, TokenKey, dated
from secgraph.errors import Busy, UsageError
from secgraph.observe import KeysChanged, KeysFailed, observe

FRESH_SECONDS = 2
"""How long a process may go on with what it last read."""

AGAIN_SECONDS = 0.1
"""Least time between two looks for keys that are not known."""

ID_LENGTH = 27
"""Every id of a token key has this length: other ones are not worth a look."""


class KeyRing:
    """The keys as they stand in the database now. When it cannot be read, that is made known, and those read before go on;
    one that cannot be opened stands for what was read of it before. A key that was removed proves nothing from then on.
    """

    def __init__(self, kept: SigningKeys, now: clock.Now) -> None:
        self._kept = kept
        self._now = now
        self._seen: list[Kept] | None = None
        self._opened: dict[tuple[Kind, str], Key] = {}
        self._held: list[Held] = []
        self._honoured: dict[str, TokenKey] = {}
        self._links: tuple[bytes, ...] = ()
        self._looked = 0
        self._begun = self._ended = 0
        self._last = -math.inf
        self._looking, self._asking = asyncio.Lock(), asyncio.Lock()
        self._failing = False

    # -- as of the last look: it costs nothing, and whoever asks had `fresh` awaited in the same request

    def tokens(self) -> list[TokenKey]:
        """Those that are honoured, the one that signs first."""
        return list(self._honoured.values())

    @property
    def signer(self) -> TokenKey:
        """The key that signs new tokens. Busy when none can be read."""
        for key in self._honoured.values():
            return key
        raise _none()

    def public(self, name: str) -> rsa.RSAPublicKey | None:
        """The public key of that id, when it is honoured."""
        found = self._honoured.get(name)
        return found.public if found is not None else None

    @property
    def links(self) -> tuple[bytes, ...]:
        """What verifies links; the first signs. Busy when none can be read."""
        if not self._links:
            raise _none()
        return self._links

    # -- looking

    def stale(self) -> bool:
        """Whether the last look was more than two seconds ago."""
        # A clock set back would otherwise keep an old reading for as long as it was set back.
        return self._seen is None or not 0 <= self._now() - self._looked < FRESH_SECONDS * clock.SECOND

    async def fresh(self) -> None:
        """Looks when the last look was more than two seconds ago. Busy when nothing could be read so far."""
        if self.stale():
            async with self._looking:
                if self.stale():  # nobody looked while this one waited
                    await self._look()

    async def find(self, name: str) -> rsa.RSAPublicKey | None:
        """The public key of that id, when it is honoured; looks for one that is not known."""
        await self.fresh()
        if name not in self._honoured and len(name) == ID_LENGTH:
            await self.again()
        return self.public(name)

    async def again(self) -> None:
        """Waits for a look that begins from now on."""
        before = self._begun
        async with self._asking:
            if self._ended <= before:
                await asyncio.sleep(max(0.0, self._last + AGAIN_SECONDS - time.monotonic()))
            async with self._looking:
                if self._ended <= before:  # none of those that ended began since
                    self._last = time.monotonic()
                    await self._look()

    async def _look(self) -> None:
        self._begun += 1
        now = self._now()
        try:
            seen = await self._kept.complete()
        except Exception as fault:  # whatever it is: requests are answered with what was read before
            self._fail(str(fault))
            if self._seen is None:
                raise _none() from fault
        else:
            self._failing = False
            if seen != self._seen:
                self._take(seen)
        # Only here: a look that was given up with its request is none.
        self._looked, self._ended = now, self._begun
        honoured = {one.key.id: one.key for one in self._held
                    if isinstance(one.key, TokenKey) and (one.ends is None or now < one.ends)}  # fmt: skip
        if self._honoured and honoured.keys() != self._honoured.keys():
            observe(KeysChanged(next(iter(honoured), ""), len(honoured)))
        self._honoured = honoured

    def _take(self, seen: list[Kept]) -> None:
        """Opens what is new among the keys."""
        former = {(one.kind, one.name): one for one in self._seen or ()}
        opened: dict[tuple[Kind, str], Key] = {}
        for one in seen:
            place = (one.kind, one.name)
            known = self._opened.get(place)
            try:
                opened[place] = known if known is not None and former.get(place) == one else self._kept.key(one)
            except UsageError as fault:
                observe(KeysFailed(str(fault)))
                if known is not None:
                    opened[place] = known
        self._seen, self._opened = seen, opened
        self._held = dated([key for key in opened.values() if isinstance(key, TokenKey)], self._kept.life)
        self._links = tuple(key.secret for key in opened.values() if isinstance(key, LinkKey))

    def _fail(self, reason: str) -> None:
        """Says, once for as long as it lasts, that the keys cannot be read."""
        if not self._failing:
            self._failing = True
            observe(KeysFailed(reason))


def _none() -> Busy:
    return Busy("The keys of this server cannot be read at the moment.", hint="The log says why.",
                headers={"Retry-After": "5"})  # fmt: skip
