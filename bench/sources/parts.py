"""What generated records are made of."""

from __future__ import annotations

import random
import uuid

STAMP = "2026-02-{day:02}T{hour:02}:{minute:02}:{second:02}"


def at(chance: random.Random) -> str:
    """A second of a February."""
    day, hour, minute, second = chance.randint(1, 28), chance.randrange(24), chance.randrange(60), chance.randrange(60)
    return STAMP.format(day=day, hour=hour, minute=minute, second=second)


def address(chance: random.Random) -> str:
    """An address of a private network."""
    return f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"


def digits(chance: random.Random, many: int) -> str:
    """So many hexadecimal digits."""
    return f"{chance.getrandbits(many * 4):0{many}x}"


def guid(chance: random.Random) -> str:
    """An id as Microsoft's products write it."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))
