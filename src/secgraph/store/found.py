"""What is kept of evidence: the latest word of each check on each subject."""

from __future__ import annotations

import msgspec


class Found(msgspec.Struct, array_like=True, gc=False):
    """What a scanner found of one check on one subject, as plain data that another process can hand over."""

    key: str
    """What it is known again by: 32 digits, made of scanner, scope, check and subject."""
    control: str
    """Its control's key: the id in small letters."""
    scanner: str
    scope: str
    check: str
    subject: str
    at: int
    """When it was checked, in ticks."""
    share: float | None
    """How much is passed, from 0 to 1."""
    points: float | None
    """In place of a share. Where both are None it does not apply, and nothing of it is kept."""
    details: str

    def says(self, other: Found) -> bool:
        """Whether it says something that another word on the same does not, and is not older than that."""
        if self.at < other.at:
            return False
        mine = (self.at, self.control, self.share, self.points, self.details)
        return mine != (other.at, other.control, other.share, other.points, other.details)

    @property
    def stands(self) -> bool:
        """Whether there is anything to be kept."""
        return self.share is not None or self.points is not None
