"""How often the collector of circular garbage looks, in a process that goes on to work."""

from __future__ import annotations

import gc

ALLOCATED = 10_000
"""Objects made since the last look before the next one: a batch of alerts makes some thousands, none of them in a circle."""


def settle() -> None:
    """Takes what is there by now (modules, the model) out of what is looked through, and looks less often."""
    gc.freeze()
    gc.set_threshold(ALLOCATED, 20, 50)
