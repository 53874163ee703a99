"""A view asked like a set: whole objects, pages, counts, single objects, and a refusal in the view's own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow, narrow_key
from secgraph.errors import TooSlow
from secgraph.model.choices import ALERTS, OLDER_ALERTS
from secgraph.odata import bind
from secgraph.odata.query import Query
from secgraph.odata.view import view
from secgraph.store.protocol import Page
from secgraph.store.views import LARGE, Views

if TYPE_CHECKING:
    from tests.store.conftest import Ground


def asked(ground: Ground, **options: str) -> Query:
    return bind.query(ground.model.sets[OLDER_ALERTS], {f"${name}": text for name, text in options.items()}, ground.model)


def caller(ground: Ground) -> Caller:
    return Caller(ground.tenant.number, ground.tenant.id, "app", "app", frozenset())


async def page(ground: Ground, **options: str) -> Page:
    return await Views(ground.store).find(narrow(asked(ground, **options), caller(ground)))


async def test_a_page_holds_the_objects_of_its_rows(ground: Ground) -> None:
    records = [await ground.add(number, title=f"t{number}", serviceSource="microsoftSentinel") for number in range(4)]
    found = await page(ground, orderby="title", top="3", filter="title ne 't0'")
    assert found.ids == ["da0001", "da0002", "da0003"]
    assert found.next is None
    assert [msgspec.json.decode(document) for document in found.documents] == [view(OLDER_ALERTS).project(record) for record in records[1:]]
    assert msgspec.json.decode(found.documents[0])["vendorInformation"]["provider"] == "Azure Sentinel"


async def test_a_large_page_is_the_same(ground: Ground) -> None:
    for number in range(6):
        await ground.add(number, title=f"t{number}", description="x" * (LARGE // 5))
    found = await page(ground, orderby="title")
    assert sum(map(len, found.documents)) > LARGE
    assert [msgspec.json.decode(document)["title"] for document in found.documents] == [f"t{number}" for number in range(6)]


async def test_a_count_and_a_single_object(ground: Ground) -> None:
    record = await ground.add(1, status="new")
    await ground.add(2, status="resolved")
    views = Views(ground.store)
    assert await views.count(narrow(asked(ground, filter="status eq 'newAlert'"), caller(ground))) == 1
    one = bind.item(ground.model.sets[OLDER_ALERTS], {})
    document = await views.get(narrow_key(OLDER_ALERTS, "DA0001", caller(ground)), one)
    assert document is not None
    assert msgspec.json.decode(document) == view(OLDER_ALERTS).project(record)
    assert await views.get(narrow_key(OLDER_ALERTS, "da0009", caller(ground)), one) is None


@pytest.mark.parametrize(("text", "found"), [
    ("tags/all(x:x eq 'a')", [1, 2, 3, 4, 5]), ("tags/any(x:x ne 'a')", []), ("tags/any()", [5]), ("tags/any(x:x eq 'a')", [5]),
    ("tags/all(x:x eq null)", [1, 2, 3, 4]), ("tags/$count eq 0", [1, 2, 3, 4]),
])  # fmt: skip
async def test_what_is_no_list_has_no_items(ground: Ground, text: str, found: list[int]) -> None:
    """A member of an open type may be null, an object or a number where others have a list."""
    for number, tags in enumerate((None, {"b": "a"}, 5, [], ["a"]), 1):
        await ground.add(number, additionalData={"vendor": "v", "userTags": tags})
    assert (await page(ground, filter=text, orderby="id")).ids == [f"da{number:04}" for number in found]


async def test_a_stored_set_is_asked_as_ever(ground: Ground) -> None:
    await ground.add(1)
    views, query = Views(ground.store), bind.query(ground.model.sets[ALERTS], {}, ground.model)
    scoped = narrow(query, caller(ground))
    assert await views.find(scoped) == await ground.store.find(scoped)
    assert await views.count(scoped) == 1
    item, key = bind.item(ground.model.sets[ALERTS], {}), narrow_key(ALERTS, "da0001", caller(ground))
    assert await views.get(key, item) == await ground.store.get(key, item)


async def test_what_is_too_slow_is_told_in_older_words(open_ground: Callable[..., Any]) -> None:
    ground: Ground = await open_ground(deadline=0.001)
    evidence = [{"@odata.type": "#microsoft.graph.security.deviceEvidence", "hostName": "h"}] * 5
    await ground.write(*(ground.put(ground.alert(number, description="x" * 500, evidence=evidence)) for number in range(1_500)))
    query = asked(ground, filter="hostStates/any(h:contains(h/netBiosName,'nowhere')) and severity ne 'low'", orderby="title")
    for ask in (Views(ground.store).find, Views(ground.store).count):
        with pytest.raises(TooSlow) as refusal:
            await ask(narrow(query, caller(ground)))
        assert refusal.value.message.endswith("no index answers hostStates, title.")
        assert "lastModifiedDateTime" in refusal.value.hint
        assert refusal.value.headers["Retry-After"] == "30"
