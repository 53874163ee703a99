"""Makes conditions on alerts: the text a client would write, and beside it what it means (`meaning.py`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, TypeVar

from tests.properties.alerts import (
    BASE,
    ENUM_COLUMNS,
    ENUMS,
    MODEL,
    MOMENTS,
    POOL,
    SPACE,
    SPELLINGS,
    TEXT_COLUMNS,
    TEXTS,
    enum,
    quoted,
)
from tests.properties.meaning import (
    DAY,
    EPOCH,
    FIRST,
    FUNCTIONS,
    LAST,
    NULL,
    SECOND,
    Condition,
    Get,
    Operand,
    Scope,
    called,
    chosen,
    comparison,
    conjunction,
    constant,
    disjunction,
    emptiness,
    every,
    exists,
    filtered,
    instant_of,
    moment_text,
    negation,
    one_of,
    rank,
    size,
    span_text,
    text_match,
    time_text,
)

from secgraph import clock

One = TypeVar("One")
Fields = dict[str, list[tuple[str, str]]]
"""Paths by kind, blanks between the steps, `~X` a cast to the type X; beside each its enumeration, if it has one."""

ROW: Fields = {
    "text": [(name, "") for name in (*TEXTS, *TEXT_COLUMNS, "id")],
    "moment": [(name, "") for name in ("createdDateTime", *MOMENTS)],
    "enum": list((ENUM_COLUMNS | ENUMS).items()),
    "open": [(f"additionalData {name}", "") for name in ("word", "Word", "number", "flag", "inner word", "inner été", "mixed", "other", "nothing")],
    "list": [("categories", "text"), ("systemTags", "text")],
}  # fmt: skip
ITEM: Fields = {
    "text": [(name, "") for name in (
        "remediationStatusDetails", "~userEvidence userAccount accountName", "~userEvidence userAccount userPrincipalName", "~deviceEvidence hostName",
        "~processEvidence imageFile fileName", "~ipEvidence ipAddress", "~ipEvidence location countryName", "~processEvidence userAccount accountName",
        "~kubernetesClusterEvidence cloudResource ~azureResourceEvidence resourceId",
    )],
    "moment": [(name, "") for name in ("createdDateTime", "~deviceEvidence firstSeenDateTime", "~processEvidence processCreationDateTime")],
    "number": [(name, "") for name in (
        "~deviceEvidence osBuild", "~processEvidence processId", "~processEvidence imageFile fileSize", "~ipEvidence location latitude",
    )],
    "boolean": [("~containerEvidence isPrivileged", ""), ("~teamsMessageEvidence isOwned", "")],
    "enum": [("verdict", "evidenceVerdict"), ("~alertEvidence verdict", "evidenceVerdict"), ("~userEvidence verdict", "evidenceVerdict"),
             ("remediationStatus", "evidenceRemediationStatus"), ("~deviceEvidence riskScore", "deviceRiskScore")],
    "list": [("tags", "text"), ("~deviceEvidence tags", "text"), ("roles", "evidenceRole"), ("~userEvidence roles", "evidenceRole")],
}  # fmt: skip
USER: Fields = {"text": [("accountName", "")]}
TYPES = ("userEvidence", "deviceEvidence", "processEvidence", "ipEvidence", "kubernetesClusterEvidence", "containerEvidence", "alertEvidence")

COMPARED = ("eq", "ne", "lt", "le", "gt", "ge")
KINDS = ("text", "number", "moment", "enum", "duration", "date", "time", "boolean")


def path(root: str, steps: list[str]) -> Get:
    """The JSON value at a path; a step with dots is a cast, past which only that type and its children come."""

    def get(scope: Scope) -> Any:
        value = scope[root]
        for step in steps:
            if not isinstance(value, dict):
                return None
            if "." in step:
                if value["@odata.type"] not in {f"#{kind.name}" for kind in MODEL.struct(step).family()}:
                    return None
            else:
                value = value.get(step)
        return value

    return get


def read(root: str, steps: list[str], kind: str) -> Get:
    found = path(root, steps)
    if kind == "moment":
        return lambda scope: None if (value := found(scope)) is None else instant_of(value, day_alone=False)
    return found


def as_kind(of: Operand, kind: str) -> Operand:
    """A member of an open type beside a value of that kind: anything else in it counts as null."""
    types: dict[str, Callable[[Any], bool]] = {
        "text": lambda value: isinstance(value, str), "boolean": lambda value: isinstance(value, bool),
        "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    }  # fmt: skip
    raw = of.raw
    assert raw is not None
    return replace(of, kind=kind, get=lambda scope: value if types[kind](value := raw(scope)) else None)


@dataclass(frozen=True)
class Source:
    """Where names are looked up: what stands before them, the value they are members of, and their paths."""

    before: str
    root: str
    fields: Fields


@dataclass(frozen=True)
class Place:
    """What can be named at a place, and some of the scopes in which a condition there will be judged."""

    sources: tuple[Source, ...]
    scopes: list[Scope]
    depth: int = 0


class Maker:
    """Makes conditions by chance on these records. The first of every choice is the plainest, so that failures shrink to it."""

    def __init__(self, chance: Random, records: list[dict[str, Any]]) -> None:
        self.chance = chance
        self.row = Place((Source("", "", ROW),), [{"": record} for record in records])

    def one(self, among: list[One] | tuple[One, ...]) -> One:
        return among[self.chance.randrange(len(among))]

    def rarely(self, times: int = 4) -> bool:
        return self.chance.randrange(times) == times - 1

    # -- operands

    def field(self, kind: str, place: Place, *, closed: bool = False) -> Operand | None:
        """A member of that kind, or None where there is none here."""
        places = [one for one in place.sources if kind in one.fields or (not closed and "open" in one.fields and kind in {"text", "number", "boolean"})]
        if not places:
            return None
        source = self.one(places)
        is_open = kind not in source.fields or (not closed and kind == "text" and "open" in source.fields and self.rarely())
        names, word = self.one(source.fields["open" if is_open else kind])
        found = self.named(source, names, "open" if is_open else kind, word)
        return as_kind(found, kind) if is_open and kind != "open" else found

    def named(self, source: Source, names: str, kind: str, word: str) -> Operand:
        steps = [f"{SPACE}.{step[1:]}" if step.startswith("~") else step for step in names.split()]
        spelled = steps if kind == "open" else [step.upper() if self.rarely(8) else step for step in steps]
        text = "/".join([source.before, *spelled] if source.before else spelled)
        get = read(source.root, steps, kind)
        return Operand(text, kind, get, enum(word) if word and kind in {"enum", "list"} else None, get if kind == "open" else None)

    def literal(self, kind: str, beside: Operand | None = None, place: Place | None = None) -> Operand:
        """A constant; often the very value that the operand beside it has somewhere."""
        if kind == "enum":
            assert beside is not None
            return self.member(beside)
        value: Any = None
        if beside is not None and place is not None and place.scopes and self.chance.randrange(2):
            value = beside.get(self.one(place.scopes))
        if value is None or (isinstance(value, float) and value in {float("inf"), float("-inf")}):
            value = self.value(kind)
        return constant(self.spelled(kind, value), kind, value)

    def value(self, kind: str) -> Any:
        match kind:
            case "text":
                return self.one(POOL + SPELLINGS) if not self.rarely() else self.one(POOL)[:2]
            case "number":
                return self.one([0, 1, -1, 2, -7, 3, 5, 0.5, -0.5, 1.5, 2.5, -2.5, -0.25, 0.49999999999999994, 1e300, 2**53 + 1, 10**17, 2**63 - 1, 100])
            case "moment":
                return self.one([BASE, BASE + 1, BASE - 1, BASE + 9, BASE + SECOND, BASE - DAY, 0, -1, FIRST, LAST, BASE // DAY * DAY])
            case "date":
                return instant_day(self.one([BASE, BASE - DAY, 0, -1, FIRST, LAST]))
            case "time":
                return self.one([0, BASE % DAY, BASE % DAY + 1, DAY - 1, 43_200 * SECOND])
            case "duration":
                return self.one([0, 1, -1, SECOND, DAY, -DAY, 5400 * SECOND, 10**17 + 1, 15 * SECOND // 10, 2**61])
        return self.chance.randrange(2) == 1

    def spelled(self, kind: str, value: Any) -> str:
        match kind:
            case "text":
                return quoted(value)
            case "number":
                return repr(value)
            case "moment":
                return self.moment(value)
            case "date":
                return str(value.isoformat())
            case "time":
                return time_text(value)[: self.one([16, 16 if value % SECOND else 8, 16 if value % (60 * SECOND) else 5])]
            case "duration":
                return f"duration{quoted(span_text(value))}"
        return str(value).lower()

    def moment(self, ticks: int) -> str:
        wire = moment_text(ticks)
        if self.rarely() and wire.endswith("00000Z"):
            return wire[:-6] + "Z"
        if self.rarely() and abs(ticks - BASE) < 10 * DAY:
            return moment_text(ticks + 5400 * SECOND)[:-1] + "+01:30"
        return wire

    def member(self, beside: Operand) -> Operand:
        """A member of an enumeration: quoted, in any case, with its type, or bare."""
        kind = beside.enum
        assert kind is not None
        word = self.one(list(kind.members))
        spelled = self.one([quoted(word), quoted(word.upper()), quoted(f" {word} "), f"{kind.name}'{word}'"])
        return constant(spelled, "enum", word, kind)

    def operand(self, kind: str, place: Place, depth: int, *, closed: bool = False) -> Operand:
        """A member, a constant, or a function of such."""
        if kind in {"day", "hour"}:
            kind = self.one(["moment", "date" if kind == "day" else "time"])
        made = FUNCTIONS.get(kind, [])
        if depth > 0 and made and not self.rarely(3):
            function = self.one(made)
            arguments = []
            for wanted in function.takes:
                argument = self.operand(wanted.lstrip("="), place, depth - 1, closed=wanted.startswith("="))
                # A constant takes the form that its own kind has; a null can stand for any.
                arguments.append(NULL if self.rarely(25) else argument)
            return called(function, kind, arguments)
        found = self.field(kind, place, closed=closed)
        if kind == "number" and self.rarely(3):
            found = size(self.collection(place))
        if found is None and depth > 0 and kind in {"date", "time", "duration"}:
            return self.operand(kind, place, depth, closed=closed)
        if kind not in {"enum", "open"} and (found is None or self.rarely(5 if depth else 50)):
            return self.literal(kind, found, place)
        if found is None:  # no enumeration and no open type here: one of the row's
            return replace(self.operand(kind, self.row, 0), text="null", get=lambda _: None, raw=lambda _: None)
        return found

    def collection(self, place: Place) -> Operand:
        """A collection, with a filter on its items now and then."""
        over, variable, fields, *_ = self.listed(place)
        if place.depth < 2 and self.rarely():
            return filtered(over, variable, self.condition(self.inside(place, over, variable, fields, named=False), 0))
        return over

    def listed(self, place: Place) -> tuple[Operand, str, Fields | Operand]:
        """A collection, a variable for its items, and what an item is: an object's members, or the item itself."""
        source = self.one([one for one in place.sources if "list" in one.fields])
        variable = f"v{place.depth}"
        if source.fields is ROW and not self.rarely(3):
            return self.named(source, "evidence", "list", ""), variable, ITEM
        if source.fields is ITEM and self.rarely(3):
            return self.named(source, "~deviceEvidence loggedOnUsers", "list", ""), variable, USER
        names, word = self.one(source.fields["list"])
        over = self.named(source, names, "list", "" if word == "text" else word)
        item = Operand(variable, "text" if word == "text" else "enum", lambda scope: scope[variable], over.enum)
        return over, variable, item

    def inside(self, place: Place, over: Operand, variable: str, fields: Fields | Operand, *, named: bool) -> Place:
        """The place in a lambda over a collection, or in a filter on it, where an item's members need no variable."""
        scopes = [{**scope, variable: item} for scope in place.scopes for item in over.get(scope) or []]
        before = variable if named else ""
        if isinstance(fields, Operand):
            source = Source(before or "$this", variable, {fields.kind: [("", _short(fields))]})
        else:
            source = Source(before, variable, fields)
        around = place.sources if named else tuple(replace(one, before="$it") if one.fields is ROW else one for one in place.sources if one.before not in {"", "$this"} or one.fields is ROW)
        return Place((source, *around), scopes, place.depth + 1)

    # -- conditions

    def condition(self, place: Place, depth: int, simple: str = "") -> Condition:
        """Conditions joined by and, or, not, to that depth."""
        match self.chance.randrange(7) if depth > 0 else 0:
            case 4:
                return negation(self.condition(place, depth - 1, simple))
            case 5:
                return conjunction([self.condition(place, depth - 1, simple) for _ in range(2)])
            case 6:
                return disjunction([self.condition(place, depth - 1, simple) for _ in range(2)])
        known = SIMPLE[simple or self.one(list(SIMPLE))]
        return known(self, place)

    def compare(self, place: Place, kind: str, depth: int) -> Condition:
        left = self.operand(kind, place, depth)
        kind = left.kind if left.kind != "null" else kind
        op = self.one(COMPARED if kind != "boolean" else COMPARED[:2])
        if self.rarely(8):
            right = NULL
        elif kind == "enum" or self.rarely(3):
            right = self.literal(kind, left, place) if kind != "open" else self.literal("text")
        else:
            right = self.operand(kind, place, depth)
        if kind == "moment" and self.rarely(6):
            right = self.one([self.operand("date", place, depth), *self.now()])
        if left.enum is not None and right.enum is None:
            right = NULL
        if left.kind == "open" and right.kind == "text":
            left = as_kind(left, "text")
        return comparison(left, op, right) if not self.rarely(3) else comparison(right, op, left)

    def function(self, place: Place, kinds: tuple[str, ...], takes: str = "") -> Condition:
        """One function of plain arguments, held against the very value that it has somewhere."""
        kind = self.one(kinds)
        function = self.one([one for one in FUNCTIONS[kind] if set(one.takes) == {takes} or not takes])
        arguments = [self.plain(wanted, place) for wanted in function.takes]
        held = arguments[0].get(self.one(place.scopes)) if place.scopes else None
        if function.takes == ("text", "text") and held:  # a part of what is looked into
            part = self.one([held[-1:], held[1:], held[1:2], held.upper()[-1:]])
            arguments[1] = constant(quoted(part), "text", part)
        left = called(function, kind, arguments)
        value = left.get(self.one(place.scopes)) if place.scopes else None
        right = NULL if value is None else constant(self.spelled(kind, value), kind, value)
        if value in {float("inf"), float("-inf")}:
            right = self.literal(kind)
        return comparison(left, self.one(("eq", "eq", *COMPARED) if kind != "boolean" else COMPARED[:2]), right)

    def plain(self, kind: str, place: Place) -> Operand:
        """A member or a constant of that kind; of kinds that no member has, something near a member."""
        closed, kind = kind.startswith("="), kind.lstrip("=")
        if kind in {"day", "hour"}:
            kind = self.one(["moment", "date" if kind == "day" else "time"])
        if kind in {"date", "time", "duration", "boolean"} and self.chance.randrange(2):
            return self.operand(kind, place, 1, closed=closed)
        return self.operand(kind, place, 0, closed=closed) if self.rarely(3) or kind in {"enum", "open"} else self.literal(kind)

    def now(self) -> list[Operand]:
        """The present instant, and a day before it. The instants of the alerts are far from it."""
        return [Operand("now()", "moment", lambda _: clock.now()),
                Operand("(now() sub duration'P1D')", "moment", lambda _: clock.now() - DAY)]  # fmt: skip

    def match(self, place: Place) -> Condition:
        of = self.operand("text", place, self.chance.randrange(2))
        needle = self.literal("text", of, place)
        if not self.rarely(3):
            value = needle.get({})
            value = self.one([value, value[:2], value[-2:], value[1:]])
            needle = constant(quoted(value), "text", value)
        else:
            needle = self.operand("text", place, 1)
        return text_match(self.one(("contains", "startswith", "endswith")), of, needle)

    def among(self, place: Place) -> Condition:
        kind = self.one(KINDS)
        left = self.operand(kind, place, self.chance.randrange(2))
        among = [self.literal(kind, left, place) for _ in range(self.one([1, 2, 3, 0]))]
        if self.rarely():
            among.append(NULL)
        if self.rarely() and kind != "enum":
            among.append(self.operand(kind, place, 1, closed=True))
            return one_of(left, among, "[]")
        return one_of(left, among)

    def holding(self, place: Place) -> Condition:
        """A value in a collection, or every value of a list in it."""
        over, variable, item = self.listed(place)
        if not isinstance(item, Operand):
            return emptiness(over)
        values = [self.literal(item.kind, item, None) for _ in range(self.one([1, 2, 0]))]
        equal = [exists(over, variable, comparison(item, "eq", value)) for value in values]
        if item.kind == "text" and self.chance.randrange(2):
            wanted = self.operand("text", place, 1, closed=True)
            return Condition(f"{wanted.text} in {over.text}",
                             lambda scope: any(rank(one, item) == rank(wanted.get(scope), item) for one in over.get(scope) or []))  # fmt: skip
        listed = ",".join(value.text for value in values)
        if self.rarely():
            within = every(over, variable, one_of(item, values))
            return Condition(f"hassubset([{listed}],{over.text})", within.holds)
        return Condition(f"hassubset({over.text},[{listed}])", conjunction(equal).holds)

    def lambdas(self, place: Place) -> Condition:
        if place.depth > 1:
            return self.compare(place, "text", 0)
        over, variable, fields = self.listed(place)
        base, before = over, []
        if self.rarely():
            body = self.condition(self.inside(place, over, variable, fields, named=False), 0)
            before, base = [body], filtered(over, variable, body)
        if self.rarely(8):
            return emptiness(base)
        body = self.condition(self.inside(place, over, variable, fields, named=True), 1 if place.depth == 0 else 0)
        del before
        return (exists if not self.rarely() else every)(base, variable, body)

    def pattern(self, place: Place) -> Condition:
        of = self.operand("text", place, self.chance.randrange(2))
        ours, pythons = self.expression(2)
        compiled = re.compile(pythons, re.ASCII)

        def holds(scope: Scope) -> bool | None:
            value = of.get(scope)
            return None if value is None else compiled.search(value) is not None

        return Condition(f"matchesPattern({of.text},{quoted(ours)})", holds)

    def expression(self, depth: int) -> tuple[str, str]:
        """A regular expression as a client writes it, and for Python, whose `$` and `\\s` mean a little more."""
        parts = []
        for _ in range(self.one([1, 2, 3])):
            atoms = [*"abs.ßİ日i", "\U0001f600", "\\.", "\\\\", "[a-c]", "[^a]", "[\\d_]", "\\d", "\\w", "\\W", "\\D", "[İß-]", ":", "\\s", "\\S"]
            atom = self.one(atoms)
            pythons = {"\\s": "[\\t\\n\\f\\r ]", "\\S": "[^\\t\\n\\f\\r ]"}.get(atom, atom)
            if depth > 0 and self.rarely():
                inner = self.expression(depth - 1)
                opening = self.one(["(", "(?:"])
                atom, pythons = f"{opening}{inner[0]})", f"{opening}{inner[1]})"
            # Python would try for ever what is repeated inside of what is repeated; RE2 has tests of its own for that.
            times = self.one(["", "", "*", "+", "?", "{1,2}", "{2}", "*?"] if len(atom) < 8 and atom[0] != "(" else ["", "?", "{1,2}", "{2}"])
            parts.append((atom + times, pythons + times))
        ours, pythons = "".join(one for one, _ in parts), "".join(one for _, one in parts)
        if self.rarely():
            other = self.expression(0)
            ours, pythons = f"{ours}|{other[0]}", f"{pythons}|{other[1]}"
        if self.rarely() and depth == 2:
            ours, pythons = f"^(?:{ours})", f"^(?:{pythons})"
        if self.rarely() and depth == 2:
            ours, pythons = f"(?:{ours})$", f"(?:{pythons})\\Z"
        return ours, pythons

    def case(self, place: Place) -> Condition:
        kind = self.one(KINDS)
        first = self.operand(kind, place, 1, closed=True)
        if kind == "enum" and first.text == "null":
            return self.has(place)
        branches = [(self.condition(place, 0), first)]
        for _ in range(self.one([1, 0, 2])):
            value = self.literal(kind, first, place) if self.chance.randrange(2) or kind == "enum" else self.operand(kind, place, 1, closed=True)
            branches.append((self.condition(place, 0), value if not self.rarely(6) else NULL))
        if self.chance.randrange(2) and kind != "enum":
            branches.append((Condition("true", lambda _: True), self.literal(kind)))
        found = chosen(branches, kind, self.one([" ", "", " "]) if kind not in {"time", "number"} else " ")
        return comparison(found, self.one(COMPARED if kind != "boolean" else COMPARED[:2]), self.literal(kind, found, place))

    def type_of(self, place: Place) -> Condition:
        """isof, a cast that is there or not, and primitive types."""
        source = next((one for one in place.sources if one.fields is ITEM), None)
        if source is None or self.rarely():
            return self.primitive(place)
        short = self.one(TYPES)
        tags = {f"#{kind.name}" for kind in MODEL.struct(f"{SPACE}.{short}").family()}
        name, root = source.before or "$this", source.root
        text = self.one([f"isof({name},{SPACE}.{short})", f"{name}/{SPACE}.{short} ne null", f"cast({name},{SPACE}.{short}) ne null"])
        if short == "alertEvidence":  # the type that every item has
            text = f"isof({name},{SPACE}.{short})"
        if not source.before and self.rarely():
            text = f"isof({SPACE}.{short})"
        return Condition(text, lambda scope: scope[root]["@odata.type"] in tags)

    def primitive(self, place: Place) -> Condition:
        kind = self.one(["text", "number", "moment", "date", "boolean", "open"])
        of = self.operand(kind, place, 1, closed=True)
        name, own = self.one([("Edm.String", "text"), ("Edm.Int64", "number"), ("Edm.DateTimeOffset", "moment"), ("Edm.Date", "date"), ("Edm.Boolean", "boolean")])
        text = f"isof({of.text},{name})"
        if of.kind == "null" or of.text == "null":
            return Condition(text, lambda _: False)
        if of.raw is not None:
            as_own = as_kind(of, own) if own in {"text", "number", "boolean"} else None  # JSON has no others
            return Condition(text, lambda scope: as_own is not None and as_own.get(scope) is not None)
        return Condition(text, lambda scope: own == of.kind and of.get(scope) is not None)

    def has(self, place: Place) -> Condition:
        left = self.operand("enum", place, 0)
        if left.text == "null":
            return Condition("false", lambda _: False)
        right = self.member(left)
        return Condition(f"{left.text} has {right.text}", lambda scope: left.get(scope) == right.get(scope))

    def truth(self, place: Place) -> Condition:
        """A condition as a value: compared with true, false, null, or another."""
        inner = self.condition(place, 1) if place.depth < 2 else self.compare(place, "text", 0)
        left = inner.alone or Operand(f"({inner.text})", "boolean", inner.holds)
        right = self.one([constant("true", "boolean", value=True), constant("false", "boolean", value=False), NULL])
        return comparison(left, self.one(("eq", "ne")), right)

    def flag(self, place: Place) -> Condition:
        of = self.operand("boolean", place, 1)
        return Condition(of.text, lambda scope: of.get(scope) is True, of)


def instant_day(ticks: int) -> Any:
    from datetime import date  # noqa: PLC0415 -- the name is a kind here

    return date.fromordinal(ticks // DAY + EPOCH)


def _short(item: Operand) -> str:
    return item.enum.name.rpartition(".")[2] if item.enum is not None else ""


def _compared(kind: str, depth: int) -> Callable[[Maker, Place], Condition]:
    return lambda maker, place: maker.compare(place, kind, depth)


SIMPLE: dict[str, Callable[[Maker, Place], Condition]] = {
    "members": lambda maker, place: maker.compare(place, maker.one(("text", "moment", "enum", "number", "boolean", "open")), 0),
    "texts": _compared("text", 2), "numbers": _compared("number", 2), "instants": _compared("moment", 2), "durations": _compared("duration", 2),
    "text functions": lambda maker, place: maker.function(place, ("text",)), "number functions": lambda maker, place: maker.function(place, ("number",)),
    "arithmetic": lambda maker, place: maker.function(place, ("number",), "number"),
    "time functions": lambda maker, place: maker.function(place, ("moment", "date", "time", "duration", "boolean")), "dates": _compared("date", 2), "times": _compared("time", 2), "open members": _compared("open", 0), "matches": Maker.match, "lists": Maker.among,
    "collections": Maker.holding, "lambdas": Maker.lambdas, "counts": lambda maker, place: comparison(
        size(maker.collection(place)), maker.one(COMPARED), constant(str(number := maker.one([0, 1, 2])), "number", number)),
    "patterns": Maker.pattern, "cases": Maker.case, "types": Maker.type_of, "flags": Maker.has, "truths": Maker.truth, "booleans": Maker.flag,
}  # fmt: skip
"""What a condition may be, without and, or, not."""
