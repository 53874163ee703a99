"""Sources declared in a file: what is said, what is done, and what is refused."""

from __future__ import annotations

import pytest
from tests.ingest.feeds.conftest import Ground
from tests.ingest.feeds.made_up import TOLD

from secgraph.errors import UsageError
from secgraph.ingest.feeds.declared import Applied, apply, declared

TEXT = f"""
[source.roof]
kind = "sentry"
every = 30
options.url = "{TOLD["url"]}"
options.key = "@key"
options.site = "attic"

[source.suricata]
"""


def opened(value: str) -> str:
    return TOLD["key"] if value == "@key" else value


async def test_what_is_declared_is_there_and_what_is_left_out_is_taken_back(ground: Ground) -> None:
    wanted = declared(TEXT, opened)
    assert await apply(ground.feeds, ground.tenant, wanted, prune=False) == Applied(["roof", "suricata"], [], [], [])
    assert await apply(ground.feeds, ground.tenant, wanted, prune=False) == Applied([], [], ["roof", "suricata"], [])
    fewer = declared(TEXT.replace('options.site = "attic"', "paused = true"), opened)
    assert await apply(ground.feeds, ground.tenant, fewer[:1], prune=True) == Applied([], ["roof"], [], ["suricata"])
    [roof] = await ground.feeds.all()
    assert (dict(roof.options), roof.paused, roof.every) == (TOLD, True, 30)
    assert await apply(ground.feeds, ground.other, [], prune=True) == Applied([], [], [], [])


@pytest.mark.parametrize(("text", "words"), [
    ("[source", ["no TOML"]),
    ("[sources.a]", ["[source.NAME]", "'sources'"]),
    ("source = 1", ["[source.NAME]"]),
    ("source.a = 1", ["source.a is no table"]),
    ("[source.a]\nkinds = 'x'", ["source.a", "'kinds'", "kind, road"]),
    ("[source.a]\nevery = '5'", ["source.a.every", "whole number"]),
    ("[source.a]\nevery = true", ["source.a.every", "whole number"]),
    ("[source.a]\npaused = 1", ["source.a.paused", "true or false"]),
    ("[source.a]\noptions.x = [1]", ["source.a.options.x"]),
])  # fmt: skip
def test_refused(text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        declared(text, opened)
    assert [word for word in words if word not in str(refused.value)] == []


async def test_what_cannot_be_so_is_named(ground: Ground) -> None:
    with pytest.raises(UsageError, match=r"source\.roof: .*'sentri'"):
        await apply(ground.feeds, ground.tenant, declared(TEXT.replace('"sentry"', '"sentri"'), opened), prune=False)
