"""The kinds of sources that can be configured, and what each is told. UsageError names what cannot be, and what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from secgraph.errors import UsageError
from secgraph.extend import Connector, Option, Pulls, Told, WritesBack, source, sources
from secgraph.extend.powers import USUAL_PRECEDENCE
from secgraph.ingest.feeds.feed import HOOK, OF_ROADS, OF_WRITERS, ROADS, WRITE_BACK, Road
from secgraph.ingest.feeds.proof import expect_provable
from secgraph.ingest.recipe import Recipe

_NAME = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,62}")


class Kinds:
    """What is installed, and whatever is given besides."""

    def __init__(self, more: Mapping[str, type[Connector]] | None = None) -> None:
        self._more = {name: kind() for name, kind in (more or {}).items()}

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*sources(), *self._more}))

    def __contains__(self, name: object) -> bool:
        return name in self._more or name in sources()

    def source(self, kind: str) -> Connector:
        """The source of a kind as it is without any configuration."""
        if kind in self._more:
            return self._more[kind]
        if kind not in sources():
            raise UsageError(f"There is no source '{kind[:80]}'. Known sources: {', '.join(self)}.")
        return source(kind)

    def roads(self, kind: str) -> tuple[Road, ...]:
        """By which roads the records of a kind can come, the usual one first. What comes as a stream has lines or values, and
        nothing that says where a report ends.
        """
        found = self.source(kind)
        streamed = found.framing != "whole"
        return tuple(
            road for road in ROADS
            if (road != "pull" or isinstance(found, Pulls)) and (streamed or road not in {"listen", "file"})
        )  # fmt: skip

    def options(self, kind: str, road: Road) -> dict[str, Option]:
        """Everything that a feed is told, by name."""
        found = self.source(kind)
        of_kind = found.options if isinstance(found, Told) else ()
        of_writers = OF_WRITERS if isinstance(found, WritesBack) else ()
        return {one.name: one for one in (*of_kind, *of_writers, *OF_ROADS[road])}

    def expect_name(self, name: str, kind: str) -> str:
        """The name of a feed of that kind."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"'{name[:80]}' is no name of a source: it has 1 to 63 characters, a-z and digits, and behind the"
                             " first one also . _ and -.")  # fmt: skip
        if name.startswith(HOOK):
            raise UsageError(f"A source cannot be called {HOOK}...: so the addresses of webhooks begin.")
        if name != kind and name in self:
            raise UsageError(f"'{name}' is the name of another kind, whose records are known by it. Choose another name.")
        return name

    def expect_road(self, kind: str, road: str | None) -> Road:
        """The road; without a word the usual one of the kind."""
        possible = self.roads(kind)
        if road is None:
            return "pull" if "pull" in possible else "push"
        if road == "pull" and "pull" not in possible:
            raise UsageError(f"Sources of the kind {kind} cannot be asked for records. They can come otherwise:"
                             f" {', '.join(possible)}.")  # fmt: skip
        for one in possible:
            if one == road:
                return one
        raise UsageError(f"Records do not come by '{road[:40]}'. There are: {', '.join(possible)}.")

    def told(self, kind: str, road: Road, given: Mapping[str, str]) -> Connector:
        """The kind's source as these options want it.

        One that can be asked, is not, and was told nothing of its kind is as it is without any configuration: what it needs in
        order to ask need not be said then.
        """
        known = self.options(kind, road)
        for name in given:
            if name not in known:
                possible = f"Options are: {', '.join(known)}." if known else "There is none."
                raise UsageError(f"Sources of the kind {kind} have no option '{name[:40]}' by {road}. {possible}")
        found = self.source(kind)
        options = _options(found, road, given)
        if isinstance(found, Told) and options is not None:
            _expect_all(kind, found.options, given)
            found = found.told(options)
        _expect_all(kind, OF_ROADS[road], given)
        if road == "webhook":
            expect_provable(given)
        if given.get(WRITE_BACK, "on") not in {"on", "off", ""}:
            raise UsageError(f"The option {WRITE_BACK} is '{given[WRITE_BACK][:40]}': say on or off.")
        return found

    def recipe(self, kind: str, road: Road, given: Mapping[str, str], name: str) -> Recipe | None:
        """How another process makes the same of an installed kind; None where it is told something that is secret."""
        if kind in self._more or kind not in sources():
            return None
        found = self.source(kind)
        options = _options(found, road, given)
        secret = [one.name for one in found.options if one.secret] if isinstance(found, Told) else []
        if options is not None and any(options[one] for one in secret):
            return None
        return Recipe(kind, name, options)

    def precedence(self, kind: str, road: Road, given: Mapping[str, str]) -> int | None:
        """Where a source of that kind, told that, stands among those that carry changes of one alert back: the lowest is first.
        None where it carries none: its product takes none, nobody said how it is asked, or it is not to.
        """
        if kind not in self or given.get(WRITE_BACK) == "off":
            return None
        found = self.source(kind)
        if not isinstance(found, WritesBack):
            return None
        asked = road == "pull" or (isinstance(found, Told) and any(given.get(one.name) for one in found.options))
        return int(getattr(found, "precedence", USUAL_PRECEDENCE)) if asked else None


def _options(found: Connector, road: Road, given: Mapping[str, str]) -> dict[str, str] | None:
    """Everything that a kind's source is told; None for one that is as it is without any configuration."""
    if not isinstance(found, Told):
        return None
    # One that can be asked, and is not, can do without what asking takes.
    needed = road == "pull" or (not isinstance(found, Pulls) and any(one.default is None for one in found.options))
    if not (needed or any(given.get(one.name) for one in found.options)):
        return None
    return {one.name: given.get(one.name) or one.default or "" for one in found.options}


def _expect_all(kind: str, options: tuple[Option, ...], given: Mapping[str, str]) -> None:
    for one in options:
        if one.default is None and not given.get(one.name):
            how = "@file" if one.secret else "VALUE"
            raise UsageError(f"Sources of the kind {kind} need the option {one.name}: {one.says.rstrip('.')}."
                             f" Give it with --option {one.name}={how}.")  # fmt: skip
