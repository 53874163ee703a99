"""What a filter selects from a real store is what the meaning written in `odata/query.py` says of each alert.

Each generated condition carries its text and its meaning: a function of the record, in three-valued logic, written here
once more and without any of the program's own query code. `None` is null.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from secgraph import clock
from secgraph.model.edm import EnumType, load
from secgraph.odata import bind

if TYPE_CHECKING:
    from tests.properties.conftest import Ground

Record = dict[str, Any]
Scope = dict[str, Any]
"""The row under "", and the items that lambda variables stand for."""
Get = Callable[[Scope], Any]
Truth = bool | None

SPACE = "microsoft.graph.security"
MODEL = load()


@dataclass(frozen=True)
class Operand:
    """A value: how a client writes it, and what it is."""

    text: str
    kind: str
    get: Get = field(repr=False)
    enum: EnumType | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Condition:
    """A condition: how a client writes it, and whether it holds."""

    text: str
    holds: Callable[[Scope], Truth] = field(repr=False)


# --- three-valued logic ------------------------------------------------------------------------------------------------


def negation(one: Condition) -> Condition:
    def holds(scope: Scope) -> Truth:
        found = one.holds(scope)
        return None if found is None else not found

    return Condition(f"not ({one.text})", holds)


def conjunction(parts: list[Condition]) -> Condition:
    def holds(scope: Scope) -> Truth:
        found = [part.holds(scope) for part in parts]
        return False if False in found else None if None in found else True

    return Condition(" and ".join(f"({part.text})" for part in parts), holds)


def disjunction(parts: list[Condition]) -> Condition:
    def holds(scope: Scope) -> Truth:
        found = [part.holds(scope) for part in parts]
        return True if True in found else None if None in found else False

    return Condition(" or ".join(f"({part.text})" for part in parts), holds)


def exists(over: Operand, variable: str, body: Condition) -> Condition:
    def holds(scope: Scope) -> Truth:
        return any(body.holds({**scope, variable: item}) is True for item in over.get(scope) or [])

    return Condition(f"{over.text}/any({variable}:{body.text})", holds)


# --- comparisons --------------------------------------------------------------------------------------------------------


def rank(value: Any, of: Operand) -> Any:
    """What is compared: texts folded, members by number, everything else as it is. Null stays null."""
    if value is None:
        return None
    if of.kind == "text":
        return str(value).casefold()
    if of.enum is not None:
        return of.enum.members[value]
    return value


def compared(op: str, one: Any, other: Any) -> bool:
    if op == "eq":
        return bool(one == other)
    if op == "ne":
        return bool(one != other)
    if one is None or other is None:
        return False
    return bool({"lt": one < other, "le": one <= other, "gt": one > other, "ge": one >= other}[op])


def comparison(left: Operand, op: str, right: Operand) -> Condition:
    return Condition(
        f"{left.text} {op} {right.text}", lambda scope: compared(op, rank(left.get(scope), left), rank(right.get(scope), right))
    )


def one_of(left: Operand, items: list[Operand]) -> Condition:
    def holds(scope: Scope) -> Truth:
        value = rank(left.get(scope), left)
        return any(value == rank(item.get(scope), left) for item in items)

    return Condition(f"{left.text} in ({','.join(item.text for item in items)})", holds)


def text_match(op: str, of: Operand, needle: str) -> Condition:
    def holds(scope: Scope) -> Truth:
        value = of.get(scope)
        if value is None:
            return None
        folded, wanted = str(value).casefold(), needle.casefold()
        return {"contains": wanted in folded, "startswith": folded.startswith(wanted), "endswith": folded.endswith(wanted)}[op]

    return Condition(f"{op}({of.text},{quoted(needle)})", holds)


# --- what alerts are made of --------------------------------------------------------------------------------------------


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


POOL = [
    "", "a", "A", "b", "ab", "Ab", "aB ", "abc", "Straße", "STRASSE", "straSSe", "ß", "ẞ", "ss", "s", "İ", "i\u0307", "i", "I", "\u0131", "é", "e\u0301", "E",
    "it's", "''", "%", "a%", "_", "\\", "C:\\Temp\\a.EXE", "c:\\temp\\A.exe", '"', "日本", "\U0001d4b3", "ﬁ", "FI", "Σ", "ς", "\u03c3", "ŉ", "\u02bcn",
    "\u2028", "\t", "\x1f", "\ufffd", "\uffff", "\U0001f600", "null", "1", "10", "2", "ǰ", "ΐ",
]  # fmt: skip
WORDS = st.sampled_from(POOL) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=3)
BASE = 17_698_932_000_000_000
INSTANTS = st.sampled_from([
    BASE, BASE + 1, BASE + 9, BASE + 10, BASE + 9_999_999, BASE + clock.SECOND, BASE - 1, BASE - clock.DAY, BASE + clock.DAY, 0, -1,
    clock.ticks("0001-01-01") or 0, clock.ticks("9999-12-31T23:59:59.9999999Z") or 0,
]) | st.integers(BASE - 3, BASE + 3)  # fmt: skip
NUMBERS = st.sampled_from([0, 1, -1, 2, 5, 2**31 - 1, 2**53, 2**53 + 1, 10**17]) | st.integers(-3, 3)
REALS = st.sampled_from([0.0, -0.5, 0.1, 1.0, 48.137, -122.3, 1e-9])


def enum(short: str) -> EnumType:
    found = MODEL.types[f"{SPACE}.{short}"]
    assert isinstance(found, EnumType)
    return found


def member(short: str) -> st.SearchStrategy[str]:
    return st.sampled_from(list(enum(short).members))


def draft(required: dict[str, st.SearchStrategy[Any]], optional: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Record]:
    return st.fixed_dictionaries(required, optional={name: st.none() | value for name, value in optional.items()})


COMMON: dict[str, st.SearchStrategy[Any]] = {
    "createdDateTime": INSTANTS.map(clock.text), "verdict": member("evidenceVerdict"), "remediationStatus": member("evidenceRemediationStatus"),
    "remediationStatusDetails": WORDS, "roles": st.lists(member("evidenceRole"), max_size=2), "tags": st.lists(WORDS, max_size=2),
}  # fmt: skip
ACCOUNT = draft({}, {"accountName": WORDS, "userPrincipalName": WORDS})


def item(short: str, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[Record]:
    return draft({"@odata.type": st.just(f"#{SPACE}.{short}")}, {**COMMON, **members})


EVIDENCE = st.one_of(
    item("userEvidence", userAccount=ACCOUNT),
    item("deviceEvidence", hostName=WORDS, riskScore=member("deviceRiskScore"), osBuild=NUMBERS,
         firstSeenDateTime=INSTANTS.map(clock.text), loggedOnUsers=st.lists(draft({}, {"accountName": WORDS}), max_size=2)),
    item("processEvidence", processId=NUMBERS, processCreationDateTime=INSTANTS.map(clock.text), userAccount=ACCOUNT,
         imageFile=draft({}, {"fileName": WORDS, "fileSize": NUMBERS})),
    item("ipEvidence", ipAddress=WORDS, location=draft({}, {"latitude": REALS, "countryName": WORDS})),
    item("containerEvidence", isPrivileged=st.booleans()), item("teamsMessageEvidence", isOwned=st.booleans()), item("alertEvidence"),
)  # fmt: skip
TEXTS = ("title", "description", "category", "threatFamilyName", "providerAlertId")
TEXT_COLUMNS = ("assignedTo", "incidentId")
MOMENTS = ("firstActivityDateTime", "lastActivityDateTime", "resolvedDateTime")
ENUMS = {"detectionSource": "detectionSource", "investigationState": "investigationState"}
ENUM_COLUMNS = {"severity": "alertSeverity", "status": "alertStatus", "serviceSource": "serviceSource",
                "classification": "alertClassification", "determination": "alertDetermination"}  # fmt: skip
ALERT = draft({}, {
    **dict.fromkeys((*TEXTS, *TEXT_COLUMNS), WORDS), **dict.fromkeys(("createdDateTime", *MOMENTS), INSTANTS.map(clock.text)),
    **{name: member(short) for name, short in (ENUMS | ENUM_COLUMNS).items()},
    "categories": st.lists(WORDS, max_size=2), "systemTags": st.lists(WORDS, max_size=2), "evidence": st.lists(EVIDENCE, max_size=3),
    "additionalData": draft({}, {
        "word": WORDS, "Word": WORDS, "number": NUMBERS | REALS, "flag": st.booleans(), "inner": draft({}, {"word": WORDS, "été": NUMBERS}),
    }),
})  # fmt: skip

# --- operands -----------------------------------------------------------------------------------------------------------


def spelled(names: list[str]) -> st.SearchStrategy[str]:
    """Names in any letter case."""
    return st.tuples(*(st.sampled_from([name, name, name.upper(), name.lower()]) for name in names)).map("/".join)


def path(root: str, steps: list[str]) -> Get:
    """The value at a path; a step with dots is a cast, past which only that type and its children come."""

    def get(scope: Scope) -> Any:
        value = scope[root]
        for step in steps:
            if value is None:
                return None
            if "." in step:
                if value["@odata.type"] not in {f"#{kind.name}" for kind in MODEL.struct(step).family()}:
                    return None
            else:
                value = value.get(step)
        return value

    return get


def fields(root: str, kind: str, *names: str, word: str = "") -> st.SearchStrategy[Operand]:
    """One of the fields at these paths, blanks between the steps; `~X` is a cast to the type X."""
    found = []
    for name in names:
        steps = [f"{SPACE}.{step[1:]}" if step.startswith("~") else step for step in name.split()]
        enumeration = enum(word) if word else None
        get = path(root, steps)
        found.append(
            spelled([root, *steps] if root else steps).map(
                lambda text, get=get, enumeration=enumeration: Operand(text, kind, get, enumeration)  # type: ignore[misc]  # defaults bind the loop's values
            )
        )
    return st.one_of(found)


def sizes(root: str, *names: str) -> st.SearchStrategy[Operand]:
    return fields(root, "list", *names).map(
        lambda of: Operand(f"{of.text}/$count", "number", lambda scope: len(of.get(scope) or []))
    )


def exactly(text: str, kind: str) -> Operand:
    """A member of an open type, whose name keeps its case."""
    return Operand(text, kind, path("", text.split("/")))


def constant(text: str, kind: str, value: Any) -> Operand:
    return Operand(text, kind, lambda _: value)


NULL = constant("null", "null", None)


def instant_text(instant: int, form: int) -> str:
    """One of the ways to write an instant."""
    wire = clock.text(instant)
    if form == 1 and wire.endswith("00000Z"):
        return wire[:-6] + "Z"
    if form == 2 and BASE - 10 * clock.DAY < instant < BASE + 10 * clock.DAY:
        return clock.text(instant + 5400 * clock.SECOND)[:-1] + "+01:30"
    if form == 3 and instant % clock.DAY == 0:
        return wire[:10]
    return f"'{wire}'" if form == 4 else wire


def constants(of: Operand) -> st.SearchStrategy[Operand]:
    """A constant that can be compared with that operand."""
    if of.enum is not None:
        cases: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str, str.upper, lambda word: f" {word} "])
        plain = st.tuples(st.sampled_from(list(of.enum.members)), cases).map(
            lambda pair: Operand(quoted(pair[1](pair[0])), "enum", lambda _: pair[0], of.enum)
        )
        return plain | st.sampled_from(list(of.enum.members)).map(
            lambda word: Operand(f"{of.enum.name if of.enum else ''}'{word}'", "enum", lambda _: word, of.enum)
        )
    match of.kind:
        case "text":
            return WORDS.map(lambda word: constant(quoted(word), "text", word))
        case "moment":
            return st.tuples(INSTANTS, st.integers(0, 4)).map(lambda pair: constant(instant_text(*pair), "moment", clock.text(pair[0])))
        case "number":
            return (NUMBERS | REALS).map(lambda number: constant(str(number), "number", number))
    return st.booleans().map(lambda value: constant(str(value).lower(), "boolean", value))


ORDERINGS = ("lt", "le", "gt", "ge")


def about(of: Operand) -> st.SearchStrategy[Condition]:
    """Any comparison of that operand with constants."""
    value = constants(of)
    ops = ("eq", "ne") if of.kind == "boolean" else ("eq", "ne", *ORDERINGS)
    mirrored = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}
    kinds = [
        st.builds(comparison, st.just(of), st.sampled_from(ops), value),
        st.builds(lambda op, right: Condition(f"{right.text} {mirrored[op]} {of.text}", comparison(of, op, right).holds),
                  st.sampled_from(ops), value),
        st.builds(one_of, st.just(of), st.lists(value, min_size=1, max_size=3)),
    ]  # fmt: skip
    if not of.text.endswith("$count"):
        # `le` and `ge` with the word null have a test of their own.
        kinds.append(st.sampled_from(["eq", "ne"] if of.kind == "boolean" else ["eq", "ne", "lt", "gt"]).map(
            lambda op: comparison(of, op, NULL)))  # fmt: skip
        kinds.append(st.lists(value, max_size=2).map(lambda items: one_of(of, [*items, NULL])))
    if of.kind == "text":
        needle = WORDS | st.sampled_from(POOL).map(lambda word: word[:2]) | st.sampled_from(POOL).map(lambda word: word[-2:])
        kinds.append(st.builds(text_match, st.sampled_from(["contains", "startswith", "endswith"]), st.just(of), needle))
        wrapped = Operand(f"tolower({of.text})", "text", of.get)
        kinds.append(st.builds(comparison, st.just(wrapped), st.sampled_from(ops), value))
    if of.kind == "boolean":
        kinds.append(st.just(Condition(of.text, lambda scope: of.get(scope) is True)))
    return st.one_of(kinds)


def combined(simple: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    some = st.lists
    return st.recursive(
        simple,
        lambda inner: st.one_of(
            inner.map(negation), some(inner, min_size=2, max_size=3).map(conjunction), some(inner, min_size=2, max_size=3).map(disjunction),
            st.sampled_from([Condition("true", lambda _: True), Condition("false", lambda _: False)]),
        ),
        max_leaves=4,
    )  # fmt: skip


COLUMNS = st.one_of(
    fields("", "text", *TEXT_COLUMNS, "id"), fields("", "moment", "createdDateTime", "lastUpdateDateTime"),
    *(fields("", "enum", name, word=short) for name, short in ENUM_COLUMNS.items()),
)  # fmt: skip
DOCUMENT = st.one_of(
    fields("", "text", *TEXTS), fields("", "moment", *MOMENTS), sizes("", "evidence", "categories", "systemTags"),
    *(fields("", "enum", name, word=short) for name, short in ENUMS.items()),
)  # fmt: skip
OPEN = st.sampled_from([
    exactly("additionalData/word", "text"), exactly("additionalData/Word", "text"), exactly("additionalData/number", "number"),
    exactly("additionalData/flag", "boolean"), exactly("additionalData/inner/word", "text"), exactly("additionalData/inner/été", "number"),
    exactly("additionalData/nothing", "text"), exactly("customDetails/word", "text"),
])  # fmt: skip
ITEM = st.one_of(
    fields("e", "text", "remediationStatusDetails", "~userEvidence userAccount accountName", "~userEvidence userAccount userPrincipalName",
           "~deviceEvidence hostName", "~processEvidence imageFile fileName", "~ipEvidence ipAddress", "~ipEvidence location countryName",
           "~processEvidence userAccount accountName"),
    fields("e", "moment", "createdDateTime", "~deviceEvidence firstSeenDateTime", "~processEvidence processCreationDateTime"),
    fields("e", "number", "~deviceEvidence osBuild", "~processEvidence processId", "~processEvidence imageFile fileSize",
           "~ipEvidence location latitude"),
    fields("e", "boolean", "~containerEvidence isPrivileged", "~teamsMessageEvidence isOwned"),
    fields("e", "enum", "verdict", "~alertEvidence verdict", "~userEvidence verdict", word="evidenceVerdict"),
    fields("e", "enum", "remediationStatus", word="evidenceRemediationStatus"),
    fields("e", "enum", "~deviceEvidence riskScore", word="deviceRiskScore"),
    sizes("e", "roles", "tags", "~deviceEvidence loggedOnUsers"),
)  # fmt: skip


def inside(over: Operand, variable: str, of: Operand) -> st.SearchStrategy[Condition]:
    """Some item of a collection of plain values."""
    del of
    kind, word = over.kind.split()[0], over.enum
    one = Operand(variable, kind, lambda scope: scope[variable], word)
    return combined(about(one)).map(lambda body: exists(over, variable, body))


def plain_lists(root: str, *names: str, word: str = "") -> st.SearchStrategy[Condition]:
    kind = "enum" if word else "text"
    return fields(root, kind, *names, word=word).flatmap(lambda over: inside(over, "x", over))


def emptiness(of: Operand) -> Condition:
    return Condition(f"{of.text}/any()", lambda scope: bool(of.get(scope)))


LISTS = st.one_of(
    plain_lists("", "categories", "systemTags"),
    fields("", "list", "categories", "evidence", "comments").map(emptiness),
)  # fmt: skip
USERS = st.one_of(
    fields("u", "text", "accountName").flatmap(about),
    ITEM.flatmap(about),  # the outer variable is seen inside
)
IN_ITEM = st.one_of(
    ITEM.flatmap(about), plain_lists("e", "tags"), plain_lists("e", "roles", word="evidenceRole"),
    st.builds(lambda over, body: exists(over, "u", body), fields("e", "list", "~deviceEvidence loggedOnUsers"), combined(USERS)),
    fields("e", "list", "tags", "roles", "~deviceEvidence loggedOnUsers").map(emptiness),
)  # fmt: skip
ANY_EVIDENCE = st.builds(lambda over, body: exists(over, "e", body), fields("", "list", "evidence"), combined(IN_ITEM))

# A cast before a list that every type has.
CAST_LISTS = st.one_of(
    sizes("e", "~deviceEvidence tags", "~userEvidence roles").flatmap(about), plain_lists("e", "~deviceEvidence tags"),
    plain_lists("e", "~userEvidence roles", word="evidenceRole"), fields("e", "list", "~deviceEvidence tags").map(emptiness),
)  # fmt: skip
CAST_EVIDENCE = st.builds(lambda over, body: exists(over, "e", body), fields("", "list", "evidence"), combined(CAST_LISTS))


def pairs(*of: st.SearchStrategy[Operand], ops: tuple[str, ...] = ("eq", "ne", *ORDERINGS)) -> st.SearchStrategy[Condition]:
    one = st.one_of(of)
    return st.builds(comparison, one, st.sampled_from(ops), one)


TWO_TEXTS = pairs(fields("", "text", *TEXTS, *TEXT_COLUMNS, "id"))
TWO_MOMENTS = pairs(fields("", "moment", *MOMENTS, "createdDateTime", "lastUpdateDateTime"))
TWO_NUMBERS = pairs(sizes("", "evidence", "categories", "systemTags"))
IN_EVIDENCE = st.builds(
    lambda over, body: exists(over, "e", body),
    fields("", "list", "evidence"),
    combined(st.one_of(
        pairs(fields("e", "moment", "createdDateTime", "~deviceEvidence firstSeenDateTime", "~processEvidence processCreationDateTime"),
              fields("", "moment", *MOMENTS, "createdDateTime")),
        pairs(fields("e", "text", "remediationStatusDetails", "~deviceEvidence hostName", "~ipEvidence ipAddress"), fields("", "text", "title", "assignedTo")),
        pairs(fields("e", "number", "~processEvidence processId", "~processEvidence imageFile fileSize"), sizes("e", "roles"), sizes("", "evidence")),
    )),
)  # fmt: skip
OPEN_PAIRS = st.one_of(
    pairs(st.just(exactly("additionalData/word", "text")), st.just(exactly("additionalData/Word", "text")), fields("", "text", "title", "assignedTo")),
    pairs(st.just(exactly("additionalData/number", "number")), sizes("", "evidence")),
)  # fmt: skip

GROUPS = {
    "columns": combined(COLUMNS.flatmap(about)),
    "document": combined(DOCUMENT.flatmap(about)),
    "open": combined(OPEN.flatmap(about)),
    "lists": combined(LISTS),
    "evidence": combined(ANY_EVIDENCE),
    "cast lists": combined(CAST_EVIDENCE),
    "two texts": combined(TWO_TEXTS),
    "two instants": combined(TWO_MOMENTS),
    "two numbers": combined(TWO_NUMBERS),
    "two in evidence": combined(IN_EVIDENCE),
    "two with open": combined(OPEN_PAIRS),
}
GROUPS["everything"] = combined(st.one_of(
    COLUMNS.flatmap(about), DOCUMENT.flatmap(about), OPEN.flatmap(about), LISTS, ANY_EVIDENCE, TWO_TEXTS, TWO_NUMBERS,
))  # fmt: skip


def holds_in_store(ground: Ground, drafts: list[Record], conditions: list[Condition]) -> None:
    tenant = ground.tenant()
    records = ground.put(tenant, [{**one, "id": f"{number:03}"} for number, one in enumerate(drafts)])
    for condition in conditions:
        expected = [record["id"] for record in records if condition.holds({"": record}) is True]
        query = bind.query(ground.alerts, {"$filter": condition.text, "$orderby": "id"}, ground.model)
        assert ground.page(tenant, query).ids == expected, condition.text
        assert ground.count(tenant, query) == len(expected)
        event("none" if not expected else "all" if len(expected) == len(records) else "some")


@pytest.mark.parametrize("group", GROUPS)
@given(data=st.data())
def test_a_filter_selects_what_it_means(ground: Ground, group: str, data: st.DataObject) -> None:
    drafts = data.draw(st.lists(ALERT, min_size=1, max_size=5), "alerts")
    conditions = data.draw(st.lists(GROUPS[group], min_size=1, max_size=8), "conditions")
    holds_in_store(ground, drafts, conditions)


# --- places where the meaning is easily missed --------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["title le null", "title ge null", "null le title", "not (title gt null)", "title le description"])
def test_null_in_an_order_comparison(ground: Ground, text: str) -> None:
    """An order comparison with null is false, whether the null is written or stored; its negation is true."""
    drafts: list[Record] = [{"id": "000"}, {"id": "001", "title": "a", "description": None}]
    tenant = ground.tenant()
    ground.put(tenant, drafts)
    query = bind.query(ground.alerts, {"$filter": text, "$orderby": "id"}, ground.model)
    assert ground.page(tenant, query).ids == (["000", "001"] if text.startswith("not") else [])


@pytest.mark.parametrize(("text", "ids"), [
    ("additionalData/a eq 5", ["number"]), ("additionalData/a ge 5", ["number"]), ("additionalData/a lt 6", ["number"]),
    ("additionalData/a eq '5'", ["text"]), ("additionalData/a ge '5'", ["text"]), ("additionalData/a lt '6'", ["text"]),
    ("additionalData/a eq true", ["truth"]), ("additionalData/a", ["truth"]), ("additionalData/a eq 1", []),
    ("contains(additionalData/a,'5')", ["text"]), ("startswith(additionalData/a,'[')", []), ("additionalData/a eq '[5]'", []),
    ("additionalData/a eq null", ["absent"]), ("additionalData/a in ('5')", ["text"]),
])  # fmt: skip
def test_the_other_side_decides_what_an_open_member_is(ground: Ground, text: str, ids: list[str]) -> None:
    """A member of another type than the constant is neither equal to it, nor before it, nor after it."""
    values: dict[str, Any] = {"absent": None, "list": [5], "number": 5, "text": "5", "truth": True}
    tenant = ground.tenant()
    ground.put(tenant, [{"id": name, "additionalData": {"a": value}} for name, value in values.items()])
    query = bind.query(ground.alerts, {"$filter": text, "$orderby": "id"}, ground.model)
    assert ground.page(tenant, query).ids == ids


def test_a_cast_of_the_row_to_its_own_type_selects_the_same(ground: Ground) -> None:
    tenant = ground.tenant()
    ground.put(tenant, [{"id": "000", "severity": "high"}])
    for text in ("severity eq 'high'", f"{SPACE}.alert/severity eq 'high'"):
        assert ground.page(tenant, bind.query(ground.alerts, {"$filter": text}, ground.model)).ids == ["000"]


def test_a_cast_to_the_type_that_is_declared_anyway_selects_the_same(ground: Ground) -> None:
    tenant = ground.tenant()
    user = {"@odata.type": f"#{SPACE}.userEvidence", "userAccount": {"accountName": "bob"}}
    ground.put(tenant, [{"id": "000", "evidence": [user]}])
    for step in ("", f"{SPACE}.userAccount/"):
        text = f"evidence/any(e: e/{SPACE}.userEvidence/userAccount/{step}accountName eq 'bob')"
        assert ground.page(tenant, bind.query(ground.alerts, {"$filter": text}, ground.model)).ids == ["000"]


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 1_234_567_890_123_456_789, -999_999_999_999_999_999])
def test_large_whole_numbers_are_compared_exactly(ground: Ground, number: int) -> None:
    tenant = ground.tenant()
    process = {"@odata.type": f"#{SPACE}.processEvidence"}
    ground.put(tenant, [{"id": "000", "evidence": [{**process, "processId": number}]}])
    text = f"evidence/any(e: e/{SPACE}.processEvidence/processId eq {number})"
    assert ground.page(tenant, bind.query(ground.alerts, {"$filter": text}, ground.model)).ids == ["000"]
