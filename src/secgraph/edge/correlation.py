"""GET and PATCH of how alerts are put together in the caller's tenant (an extension, under its own permissions)."""

from __future__ import annotations

from typing import Any

import msgspec

from secgraph.access.caller import Caller
from secgraph.edge import render
from secgraph.edge.exchange import Answer, Asked
from secgraph.edge.route import Target
from secgraph.errors import BadBody, BadOption
from secgraph.ingest.adjust import adjust, adjusted
from secgraph.odata.options import options
from secgraph.store.protocol import Store

PLACE = "security/correlationSettings"


class Correlation:
    """Answers for the settings of correlation."""

    def __init__(self, store: Store, most: int) -> None:
        self._store = store
        self._most = most

    async def answer(self, asked: Asked, caller: Caller, target: Target) -> Answer:
        """The settings that hold, or hold after the change: each that is named, null for its default."""
        for name, text in options(asked.query).items():
            if text.strip() and name != "$format" and not name.startswith("@"):
                raise BadOption(name, "cannot be asked of settings.", hint="They are sent whole; leave the option out.")
        if asked.method != "PATCH":
            return _shown(asked, target, await adjusted(self._store, caller.tenant))
        body = await asked.json(self._most)
        if not isinstance(body, dict):
            raise BadBody("", "The body must be a JSON object with settings.", hint='Such as {"window": "36h"}.')
        cause = f"app:{caller.app_id} correlationSettings"
        return _shown(asked, target, await adjust(self._store, caller.tenant, body, cause))


def _shown(asked: Asked, target: Target, found: dict[str, Any]) -> Answer:
    head = render.context(f"{asked.base}/{target.version}", PLACE)
    return Answer(body=render.item(head, msgspec.json.encode(found)))
