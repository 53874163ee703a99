"""What is said of a question that no index answers and that went past its deadline."""

from __future__ import annotations

from secgraph.errors import TooSlow
from secgraph.odata.query import Query, fields, fields_of
from secgraph.store.needed import conjuncts, needed_words


def unindexed(query: Query) -> tuple[str, ...]:
    """The paths that a condition or an order reads from the documents, but for those that words lead to."""
    parts = conjuncts(query.where)
    needed = needed_words(parts, query.of)
    read = [one for part in (parts if needed is None else needed.unanswered) for one in fields(part)]
    read += [one for order in query.order for one in fields_of(order.by)]
    return tuple(dict.fromkeys(one.spelled() for one in read if one.column is None and not one.root))


def too_slow(seconds: float, names: tuple[str, ...]) -> TooSlow:
    """The refusal of a question that read these paths and did not finish in time."""
    return TooSlow(
        f"The query did not finish within {seconds:g} s: no index answers {', '.join(names) or 'this combination'}.",
        hint="Add a condition on createdDateTime, lastUpdateDateTime, severity, status or incidentId.",
        headers={"Retry-After": "30"},
    )
