"""What may become of a tenant's assets: records → records, and refusals that say why not. Pure.

No two assets have one alias at one time, so that an alias always says whose it is. That is judged in the tenant's turn, on a
reading of the whole inventory that nothing came after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from secgraph import clock
from secgraph.errors import BadBody, Conflict
from secgraph.ingest.assets.alias import SAYS, WAYS, identifies, keys
from secgraph.ingest.assets.inventory import Asset, Held, Inventory, held, remembered
from secgraph.model.check import from_source
from secgraph.model.choices import ASSETS
from secgraph.model.edm import load
from secgraph.store.facts import Record, Row
from secgraph.store.protocol import Put, Remove
from secgraph.store.turn import new_record

MOST = 100_000
"""Most assets of a tenant: every process that takes alerts in has them in memory."""

MOST_ALIASES, MOST_TAGS = 200, 50

LONGEST = {"displayName": 200, "owner": 200, "description": 5000}
LONGEST_ALIAS, LONGEST_TAG = 400, 60

TAGS = ("vip", "breakGlass", "domainController", "scanner")
"""Tags that mean something here; any other may be given too."""

_KNOWN_TAGS = {tag.casefold(): tag for tag in TAGS}
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_RESERVED = frozenset({"delta"})
"""What is another call where an id stands."""


def chosen_id(given: str) -> str:
    """An id that somebody chose, as it is stored; BadBody where it can be none."""
    found = given.strip().casefold()
    if not _ID.fullmatch(found) or found in _RESERVED:
        raise BadBody("id", f"{given[:80]!r} cannot be an id.", hint=(
            "1 to 64 letters of ASCII, digits, dots, dashes and underscores, beginning with a letter or digit."
        ))  # fmt: skip
    return found


def made(key: str, given: Record, now: int) -> Record:
    """A new asset with these members; BadBody where it cannot be one."""
    created = clock.text(now)
    record, _ = from_source(load().sets[ASSETS].type, {
        "criticality": "normal", **given, "kind": given.get("kind") or kind_of_aliases(given.get("aliases") or ()), "id": key,
        "createdDateTime": created,
    }, created)  # fmt: skip
    return new_record(shaped(record))


def revised(record: Record, given: Record) -> Record:
    """An asset with these members in place of its own; BadBody where it cannot be one. What changes nothing gives an equal
    record.
    """
    return shaped({**record, **given})


def shaped(record: Record) -> Record:
    """A record in the one form that an asset has: texts trimmed, tags and aliases each once, aliases in an order of their own.
    BadBody names what is unfit.
    """
    for name, many in (("tags", MOST_TAGS), ("aliases", MOST_ALIASES)):  # before any of them is looked at
        if len(record[name]) > many:
            raise BadBody(name, f"holds more than {many}.")
    found = {**record}
    for name, most in LONGEST.items():
        found[name] = _text(name, record[name], most)
    tags = [_text(f"tags/{place}", tag, LONGEST_TAG) for place, tag in enumerate(record["tags"])]
    by_fold = {tag.casefold(): _KNOWN_TAGS.get(tag.casefold(), tag) for tag in tags if tag is not None}
    found["tags"] = [by_fold[name] for name in sorted(by_fold)]
    found["aliases"] = _aliases(record["kind"], record["aliases"])
    return found


def _text(path: str, given: str | None, most: int) -> str | None:
    text = given.strip() if given is not None else None
    if not text:
        return None
    if len(text) > most:
        raise BadBody(path, f"is longer than {most} characters.")
    if not all(one.isprintable() or (one == "\n" and path == "description") for one in text):
        raise BadBody(path, "holds characters that cannot be seen.", hint="Leave out controls and marks of direction.")
    return text


def kind_of_aliases(aliases: Iterable[Record]) -> str:
    """The one kind of asset that may have these aliases; BadBody where there is none, or more than one."""
    given = {alias["kind"] for alias in aliases}
    kinds = [kind for kind, ways in WAYS.items() if given <= ways.keys()]
    if len(kinds) == 1:
        return kinds[0]
    if not given:
        said = "there is no alias to tell it"
    elif kinds:
        said = f"its aliases may be those of any of {', '.join(kinds)}"
    else:
        said = f"no kind of asset has all of these aliases: {', '.join(sorted(given))}"
    raise BadBody("kind", f"is missing, and {said}.", hint=f"Kinds: {', '.join(WAYS)}. A person and a device are two assets.")


def _aliases(kind: str, given: Sequence[Record]) -> list[Record]:
    """Aliases that are ones, each once: of two that name the same at one time the first."""
    ways, found = WAYS[kind], dict[tuple[int, str, str, str], Record]()
    for place, alias in enumerate(given):
        path, value = f"aliases/{place}", alias["value"].strip()
        if alias["kind"] not in ways:
            raise BadBody(f"{path}/kind", f"a {kind} has no {alias['kind']}.", hint=f"Aliases of a {kind}: {', '.join(ways)}.")
        if len(value) > LONGEST_ALIAS:
            raise BadBody(f"{path}/value", f"is longer than {LONGEST_ALIAS} characters.")
        named = keys(kind, alias["kind"], value) if value.isprintable() else ()
        if not named:
            raise BadBody(f"{path}/value", f"{value[:80]!r} is not {SAYS[alias['kind']]}.")
        since, until = alias["validFromDateTime"], alias["validUntilDateTime"]
        if since is not None and until is not None and until <= since:
            raise BadBody(f"{path}/validUntilDateTime", "is not after validFromDateTime.")
        order = (list(ways).index(alias["kind"]), named[0], since or "", until or "")
        found.setdefault(order, {**alias, "value": value})
    return [found[order] for order in sorted(found)]


class Register:
    """The assets of a tenant while a write is decided: the inventory, and what the write made of it so far."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._changed: dict[str, Asset | None] = {}
        self._by_key: dict[str, dict[str, None]] = {}
        self._size = len(inventory)
        self.changes: list[Put | Remove] = []

    def put(self, record: Record, row: Row | None, cause: str) -> bool:
        """Takes an asset as it shall be, in place of the row; whether that changes anything. Conflict where another asset has
        one of its aliases, or where there are too many.
        """
        one = load().sets[ASSETS]
        changed = () if row is None else tuple(name for name in one.choices.write if record[name] != row.record[name])
        if row is not None and not changed:
            return False
        if row is None and self._size >= MOST:
            raise Conflict(f"The inventory holds {MOST} assets, and takes no more.", hint="Remove some that nobody needs.")
        self._expect_free(record)
        self._size += row is None
        asset = remembered(record, 0)
        self._changed[asset.id] = asset
        for key in asset.held:
            self._by_key.setdefault(key.key, {})[asset.id] = None
        self.changes.append(Put(one, record, changed, created=row is None, cause=cause))
        return True

    def remove(self, key: str, cause: str) -> None:
        """Takes an asset away."""
        self._changed[key] = None
        self._size -= 1
        self.changes.append(Remove(load().sets[ASSETS], key, cause))

    def known(self, record: Record) -> list[Asset]:
        """The assets that have an alias of this one's: one that identifies, or where it has none such, any."""
        aliases = [one for _, one in held(record) if one.own]
        strong = [one for one in aliases if identifies(one.key)]
        found = {asset.id: asset for one in strong or aliases for asset in self._with(one)}
        return list(found.values())

    def _with(self, wanted: Held) -> Iterator[Asset]:
        """The assets that have a key as an alias while another may have it."""
        among = [one for one in self._inventory.with_key(wanted.key) if one.id not in self._changed]
        among += [asset for key in self._by_key.get(wanted.key, ()) if (asset := self._changed[key]) is not None]
        for asset in among:
            same = (one for one in asset.held if one.own and one.key == wanted.key)
            if any(one.first <= wanted.last and wanted.first <= one.last for one in same):
                yield asset

    def _expect_free(self, record: Record) -> None:
        for place, one in held(record):
            if not one.own:
                continue
            for other in self._with(one):
                if other.id != record["id"]:
                    alias = record["aliases"][place]
                    raise Conflict(
                        f"{alias['kind']} '{alias['value'][:80]}' cannot be of {called(record['displayName'], record['id'])}:"
                        f" {called(other.name, other.id)} has it.",
                        hint="Take it away there, or say until when it was valid.",
                    )


def called(name: str | None, key: str) -> str:
    """An asset as a refusal names it."""
    return f"asset {key}" if name in {None, key} else f"asset {key} ({name})"
