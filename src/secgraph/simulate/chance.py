"""Chance with a memory: the same seed and the same name give the same throws, in every process and in any order of asking."""

from __future__ import annotations

import random
import zlib


def chance(*names: object) -> random.Random:
    """A generator of its own for that name: what one part of a scenario throws moves nothing in another part."""
    return random.Random("/".join(str(name) for name in names))  # noqa: S311 -- it makes stories, no secrets


def share(*names: object) -> float:
    """A number from 0 to 1 that belongs to that name, without a generator: asked for every item of every page."""
    return zlib.crc32("/".join(str(name) for name in names).encode()) / 2**32


def guid(throw: random.Random) -> str:
    """A GUID in its usual text form."""
    bits = f"{throw.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-{'89ab'[int(bits[16], 16) & 3]}{bits[17:20]}-{bits[20:]}"


def hexadecimal(throw: random.Random, digits: int) -> str:
    """So many digits of base 16."""
    return f"{throw.getrandbits(4 * digits):0{digits}x}"
