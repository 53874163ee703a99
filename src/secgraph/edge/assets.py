"""Writes of assets over HTTP: POST, PATCH and DELETE, each decided on the whole inventory of the tenant."""

from __future__ import annotations

from typing import Any

from secgraph import clock
from secgraph.access.caller import Caller
from secgraph.edge.exchange import Answer, Asked
from secgraph.edge.route import Target
from secgraph.edge.write import MINIMAL, committed, present, same_version, silent
from secgraph.errors import BadBody, Conflict
from secgraph.ingest.assets.known import Assets
from secgraph.ingest.assets.register import Register, chosen_id, made, revised
from secgraph.model import change
from secgraph.model.call import complete
from secgraph.model.choices import ASSETS
from secgraph.model.edm import EntitySet
from secgraph.store.facts import Facts, Needs, Record


class AssetWriter:
    """Answers writes of assets."""

    def __init__(self, assets: Assets, most: int) -> None:
        self._assets = assets
        self._most = most

    async def create(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """Makes an asset; the answer is it, and where it is."""
        body = await asked.json(self._most)
        key, given = _new(one, body)

        def decide(facts: Facts, register: Register) -> Record:
            if (ASSETS, key) in facts.rows:
                raise Conflict(f"There is an asset '{key}' already.", hint="Change it with PATCH, or leave the id out.")
            record = made(key, given, facts.now)
            register.put(record, None, _cause(caller))
            return record

        record = await self._assets.write(caller.tenant, lambda _: _needs(key), decide)
        answer = committed(asked, target, one, record)
        answer.status = 201
        answer.headers.append((b"location", f"{asked.base}/{target.version}/{ASSETS}/{key}".encode()))
        return answer

    async def update(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """Changes an asset; the answer is the committed row with its entity tag, or the tag alone for who wants no more."""
        body = await asked.json(self._most)
        wanted = asked.header(b"if-match")

        def decide(facts: Facts, register: Register) -> Record:
            row = present(facts, one, target.key)
            same_version(row, wanted)
            record = revised(row.record, _complete(one, change.changes(one, body, row.record)))
            return record if register.put(record, row, _cause(caller)) else row.record

        record = await self._assets.write(caller.tenant, lambda _: _needs(target.key), decide)
        return silent(record) if asked.prefers(MINIMAL) else committed(asked, target, one, record)

    async def remove(self, asked: Asked, caller: Caller, target: Target, one: EntitySet) -> Answer:
        """Takes an asset away."""
        wanted = asked.header(b"if-match")

        def decide(facts: Facts, register: Register) -> None:
            row = present(facts, one, target.key)
            same_version(row, wanted)
            register.remove(row.record["id"], _cause(caller))

        await self._assets.write(caller.tenant, lambda _: _needs(target.key), decide)
        return Answer(204)


def _needs(key: str) -> Needs:
    return Needs(rows=((ASSETS, key.casefold()),))


def _cause(caller: Caller) -> str:
    return f"app:{caller.app_id}"


def _new(one: EntitySet, body: Any) -> tuple[str, Record]:
    """The id and the members of a new asset; BadBody where one is unfit, or not the client's to set."""
    if not isinstance(body, dict):
        raise BadBody("", "The body must be a JSON object with the members of the asset.")
    key = next((value for name, value in body.items() if name.casefold() == "id"), None)
    if key is not None and not isinstance(key, str):
        raise BadBody("id", "must be text.")
    members = {name: value for name, value in body.items() if name.casefold() != "id"}
    given = {name: value for name, value in change.changes(one, members, {}).items() if value is not None}
    return clock.new_id() if key is None else chosen_id(key), _complete(one, given)


def _complete(one: EntitySet, given: Record) -> Record:
    """The members, each alias of which has its kind and its value; BadBody where one has not."""
    for name, value in given.items():
        if value is not None:
            complete(one.type.properties[name], value)
    return given
