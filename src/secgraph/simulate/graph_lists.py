"""Collections and objects as Microsoft Graph wraps them."""

from __future__ import annotations

from typing import Any

from secgraph.simulate import filters
from secgraph.simulate.ask import Ask, Refused, Reply, json_reply
from secgraph.simulate.paging import Page


def listing(ask: Ask, context: str, page: Page) -> Reply:
    """A collection, with its number where it was asked for."""
    body: dict[str, Any] = {"@odata.context": f"{ask.root}/v1.0/$metadata#{context}"}
    if (ask.option("count") or "").lower() == "true":
        body["@odata.count"] = page.total
    body["value"] = page.items
    if page.more is not None:
        body["@odata.nextLink"] = page.more
    return json_reply(body)


def selected(ask: Ask, items: list[dict[str, Any]], members: frozenset[str], kind: str) -> list[dict[str, Any]]:
    """The items that `$filter` wants; options that the collection does not have are refused."""
    for option in ("orderby", "search"):
        if ask.option(option) is not None:
            raise Refused(400, "BadRequest", f"Query option '${option}' is not allowed on type '{kind}'.")
    text = ask.option("filter")
    if text is None:
        return items
    wanted = filters.parse(text, members, kind)
    return [item for item in items if wanted(item)]


def entity(ask: Ask, context: str, item: dict[str, Any]) -> Reply:
    """One object."""
    return json_reply({"@odata.context": f"{ask.root}/v1.0/$metadata#{context}/$entity", **item})
