"""What can go wrong on purpose, as rates from 0 to 1. None of it changes what is true."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from secgraph.errors import UsageError

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86400)]


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often each thing goes wrong. Every rate is of the calls, but for `late` (of changes) and `stale` (of items read)."""

    throttled: Rate = 0
    """429 with Retry-After."""
    failed: Rate = 0
    """500."""
    gateway: Rate = 0
    """502."""
    unavailable: Rate = 0
    """503 with Retry-After."""
    html: Rate = 0
    """A page for people instead of JSON: half of them with 503, half with 200."""
    cut: Rate = 0
    """The connection ends in the middle of the body."""
    slow: Rate = 0
    """The answer takes `slow_seconds`."""
    duplicates: Rate = 0
    """A page begins with the last item of the page before."""
    expired: Rate = 0
    """Of the calls for a further page: the token has just ended."""
    late: Rate = 0
    """A change of the story is shown late, by up to `late_seconds`, and bears the time at which it was made."""
    stale: Rate = 0
    """An item that changed in the last `late_seconds` is shown as it was before, as by a copy that lags behind."""
    slow_seconds: Seconds = 1
    late_seconds: Seconds = 300
    retry_after: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 1
    """Seconds, in Retry-After."""
    skew: Annotated[float, msgspec.Meta(ge=-86400, le=86400)] = 0
    """Seconds by which the product's clock is ahead of the one in the hand."""

    def told(self, changed: Any) -> Faults:
        """The same with what was told; UsageError names what does not fit."""
        if not isinstance(changed, dict):
            raise UsageError('Faults are an object of names and numbers, such as {"throttled": 0.1}.')
        try:
            return msgspec.convert({**msgspec.structs.asdict(self), **changed}, Faults)
        except msgspec.ValidationError as fault:
            names = ", ".join(Faults.__struct_fields__)
            raise UsageError(f"These faults cannot be set: {fault}. There are: {names}.") from None


PRESETS = {
    "none": Faults(),
    "mild": Faults(throttled=0.03, failed=0.01, unavailable=0.01, slow=0.05, slow_seconds=0.2, duplicates=0.05, late=0.05),
    "wild": Faults(throttled=0.1, failed=0.05, gateway=0.03, unavailable=0.05, html=0.03, cut=0.05, slow=0.05, slow_seconds=0.2,
                   duplicates=0.3, expired=0.05, late=0.2, stale=0.05, skew=45),
}  # fmt: skip
