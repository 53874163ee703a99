"""An application of a made-up tenant, and the canned answers of `secgraph.testing` under one name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secgraph.extend import Told
from secgraph.testing.canned import Answer, Call, Canned, Pull, pulled, reply

__all__ = ["GIVEN", "TENANT", "Answer", "Call", "Canned", "Pull", "pulled", "reply", "told"]

TENANT = "1f0a7c52-3b0d-4f6e-9a41-77c0a1b2c3d4"
GIVEN = {"tenant_id": TENANT, "client_id": "app", "client_secret": "s3cret"}


def told(source: Told, given: Mapping[str, str] | None = None, /) -> Any:
    """The source with these options, an application of a made-up tenant, and the defaults of everything else."""
    options = {**GIVEN, **(given or {})}
    return source.told({option.name: options.get(option.name, option.default or "") for option in source.options})
