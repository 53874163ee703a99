"""Whether the last delivery of a source could be taken: remembered per tenant, so that readers can be told what is missing."""

from __future__ import annotations

from secgraph import clock
from secgraph.ingest.ready import Ready
from secgraph.model.choices import OLDER_ALERTS
from secgraph.odata.view import view
from secgraph.store.protocol import Store

GOOD = 200
UNREADABLE = 400
UNUSABLE = 422
FAILED = 502
"""A source that is asked gave no good answer."""
MILLISECOND = clock.SECOND // 1000


async def remember(store: Store, tenant: int, source: str, status: int, *, began: int, now: int, example: Ready | None) -> None:
    """Writes the state of a source where it changed. `example` is an alert that it delivered: it tells vendor and provider,
    which a delivery that nobody could read does not.
    """
    found = await store.fetch("source_state", tenant=tenant, source=source)
    if found and found[0]["status"] == status:
        return
    vendor, provider = (found[0]["vendor"], found[0]["provider"]) if found else (source, source)
    if example is not None:
        shown = view(OLDER_ALERTS).reads["vendorInformation"]({"": example.record})
        vendor, provider = shown["vendor"] or source, shown["provider"] or source
    latency = max(now - began, 0) // MILLISECOND
    await store.run(("source_state_put", {"tenant": tenant, "source": source, "vendor": vendor, "provider": provider,
                                          "status": status, "latency": latency, "since": now}))  # fmt: skip
