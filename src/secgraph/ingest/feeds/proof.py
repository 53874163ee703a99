"""What a call to a webhook has to prove: that it is the product's. A secret in a header, or the body's HMAC by that secret."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.extend import instant_of

PROOFS = ("bearer", "basic", "header", "hmac")
SIGNATURE = "x-hub-signature-256"
"""Where the HMAC stands, unless another header is named."""

SHORTEST = 16
"""Fewest characters of a secret."""

LONGEST_WINDOW = 86_400

EXPECTED = (
    "Prove it the way this source was configured with: the secret in Authorization (Bearer or Basic) or in a header of its own,"
    " or the HMAC-SHA256 of the body in a header such as X-Hub-Signature-256, with a fresh time where one is wanted."
)

_NOBODY = {"hook_proof": "hmac", "hook_secret": "-" * 43}


def expect_provable(options: Mapping[str, str]) -> None:
    """UsageError where the options of a webhook cannot be kept to."""
    proof, window = options.get("hook_proof") or "bearer", options.get("hook_window") or "300"
    if proof not in PROOFS:
        raise UsageError(f"The option hook_proof is one of {', '.join(PROOFS)}, not '{proof[:40]}'.")
    if proof == "header" and not options.get("hook_header"):
        raise UsageError("Say which header holds the secret: --option hook_header=NAME.")
    if proof in {"bearer", "basic"} and options.get("hook_header"):
        raise UsageError(f"By {proof} the secret comes in Authorization. Leave out hook_header, or say hook_proof=header.")
    if not (window.isascii() and window.isdigit() and 1 <= int(window[:9]) <= LONGEST_WINDOW):
        raise UsageError(f"The option hook_window is a number of seconds, 1 to {LONGEST_WINDOW}, not '{window[:40]}'.")
    if len(options.get("hook_secret", "")) < SHORTEST:
        raise UsageError(f"The option hook_secret has at least {SHORTEST} characters; leave it out, and one is made.")


def signed(options: Mapping[str, str]) -> bool:
    """Whether the proof is over the body."""
    return options.get("hook_proof") == "hmac"


def proves(options: Mapping[str, str] | None, headers: Mapping[bytes, bytes], body: bytes, now: int) -> bool:
    """Whether a call is the product's. Without options it never is, which is found out in the same time as with some."""
    told = _NOBODY if options is None else options
    secret = told.get("hook_secret", "").encode()
    proof = told.get("hook_proof") or "bearer"
    stamp = _header(headers, told.get("hook_timestamp", ""))
    fresh = not told.get("hook_timestamp") or _fresh(stamp, int(told.get("hook_window") or "300"), now)
    match proof:
        case "hmac":
            # A time that is not signed could be written anew by whoever sends a call once more.
            over = stamp + b"." + body if told.get("hook_timestamp") else body
            given = _digest(_header(headers, told.get("hook_header") or SIGNATURE))
            good = hmac.compare_digest(given, hmac.new(secret, over, hashlib.sha256).digest())
        case "header":
            good = hmac.compare_digest(_header(headers, told.get("hook_header", "")), secret)
        case "basic":
            good = _basic(_header(headers, "authorization"), secret)
        case _:
            scheme, _, word = _header(headers, "authorization").partition(b" ")
            good = hmac.compare_digest(word.strip(), secret) and scheme.lower() == b"bearer"
    return good and fresh and bool(secret) and options is not None


def _header(headers: Mapping[bytes, bytes], name: str) -> bytes:
    return headers.get(name.lower().encode("latin-1", "replace"), b"").strip() if name else b""


def _basic(given: bytes, secret: bytes) -> bool:
    """Whether it is a name and a password that are the secret; one without a colon is the password alone, of any name."""
    scheme, _, word = given.partition(b" ")
    try:
        pair = base64.b64decode(word.strip(), validate=True)
    except binascii.Error:
        pair = b""
    said = pair if b":" in secret else pair.partition(b":")[2]
    return hmac.compare_digest(said, secret) and scheme.lower() == b"basic"


def _digest(given: bytes) -> bytes:
    """The bytes of an HMAC in any of its spellings: hexadecimal or base64, `sha256=` before it or not."""
    if given[:7].lower() == b"sha256=":
        given = given[7:]
    try:
        return binascii.unhexlify(given) if len(given) == 64 else base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _fresh(stamp: bytes, window: int, now: int) -> bool:
    text = stamp.decode("latin-1")
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else None
    at = clock.ticks(text, zone=None) if number is None else instant_of(number)
    return at is not None and abs(now - at) <= window * clock.SECOND
