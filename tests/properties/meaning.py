"""What the query language means, written once more: three-valued logic, comparisons, and every function as a table.

Nothing here uses the program's own query code. `None` is null. Instants, times of day and durations are ticks of 100 ns, a
day is a `datetime.date`, an enumeration's member its name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from secgraph.model.edm import EnumType

Scope = dict[str, Any]
"""The row under "", and the items that variables stand for."""
Get = Callable[[Scope], Any]
Truth = bool | None

SECOND = 10_000_000
DAY = 86_400 * SECOND
EPOCH = date(1970, 1, 1).toordinal()
FIRST = (1 - EPOCH) * DAY
LAST = (date.max.toordinal() - EPOCH + 1) * DAY - 1


@dataclass(frozen=True)
class Operand:
    """A value: how a client writes it, and what it is. `raw` is the JSON value of a member of an open type."""

    text: str
    kind: str
    get: Get = field(repr=False)
    enum: EnumType | None = field(default=None, repr=False)
    raw: Get | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Condition:
    """A condition: how a client writes it, and whether it holds."""

    text: str
    holds: Callable[[Scope], Truth] = field(repr=False)
    alone: Operand | None = field(default=None, repr=False)
    """The value that stands alone as a condition: brackets around it do not make it one."""


def constant(text: str, kind: str, value: Any, enum: EnumType | None = None) -> Operand:
    return Operand(text, kind, lambda _: value, enum)


NULL = constant("null", "null", None)

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


def items(over: Operand, scope: Scope) -> list[Any]:
    return over.get(scope) or []


def exists(over: Operand, variable: str, body: Condition) -> Condition:
    def holds(scope: Scope) -> Truth:
        return any(body.holds({**scope, variable: item}) is True for item in items(over, scope))

    return Condition(f"{over.text}/any({variable}:{body.text})", holds)


def every(over: Operand, variable: str, body: Condition) -> Condition:
    def holds(scope: Scope) -> Truth:
        return all(body.holds({**scope, variable: item}) is True for item in items(over, scope))

    return Condition(f"{over.text}/all({variable}:{body.text})", holds)


def emptiness(of: Operand) -> Condition:
    return Condition(f"{of.text}/any()", lambda scope: bool(of.get(scope)))


def filtered(over: Operand, variable: str, body: Condition) -> Operand:
    """The items for which the body is true; in it their members are named without a variable."""
    return Operand(f"{over.text}/$filter({body.text})", "list",
                   lambda scope: [item for item in items(over, scope) if body.holds({**scope, variable: item}) is True])  # fmt: skip


def size(of: Operand) -> Operand:
    return Operand(f"{of.text}/$count", "number", lambda scope: len(items(of, scope)))


# --- comparisons --------------------------------------------------------------------------------------------------------


def rank(value: Any, of: Operand) -> Any:
    """What is compared: texts folded, members by number, days as instants, everything else as it is. Null stays null."""
    if value is None:
        return None
    if isinstance(value, date):
        return (value.toordinal() - EPOCH) * DAY
    if of.enum is not None:
        return of.enum.members[value]
    return value.casefold() if isinstance(value, str) else value


def compared(op: str, one: Any, other: Any) -> bool:
    if op == "eq":
        return bool(one == other)
    if op == "ne":
        return bool(one != other)
    if one is None or other is None:
        return False
    return bool({"lt": one < other, "le": one <= other, "gt": one > other, "ge": one >= other}[op])


def alike(value: Any) -> Any:
    """What a member of an open type is compared as beside another: its type goes along."""
    return (type(value) in {int, float}, isinstance(value, bool), value.casefold() if isinstance(value, str) else value)


def of_any_type(op: str, one: Any, other: Any) -> bool:
    """Two members of open types: like is compared with like, null equals null, nothing else is equal."""
    if one is None or other is None:
        return compared(op, one, other)
    same = alike(one)[:2] == alike(other)[:2] and not isinstance(one, list | dict) and not isinstance(other, list | dict)
    return compared(op, alike(one)[2], alike(other)[2]) if same else op == "ne"


def comparison(left: Operand, op: str, right: Operand) -> Condition:
    def holds(scope: Scope) -> Truth:
        if left.raw is not None and right.raw is not None:
            return of_any_type(op, left.raw(scope), right.raw(scope))
        if right.kind == "null" and left.raw is not None:
            return compared(op, left.raw(scope), None)
        if left.kind == "null" and right.raw is not None:
            return compared(op, None, right.raw(scope))
        return compared(op, rank(left.get(scope), left), rank(right.get(scope), right))

    return Condition(f"{left.text} {op} {right.text}", holds)


def one_of(left: Operand, among: list[Operand], brackets: str = "()") -> Condition:
    equal = [comparison(left, "eq", item) for item in among]
    text = f"{left.text} in {brackets[0]}{','.join(item.text for item in among)}{brackets[1]}"
    return Condition(text, lambda scope: any(one.holds(scope) for one in equal))


def text_match(op: str, of: Operand, needle: Operand) -> Condition:
    def holds(scope: Scope) -> Truth:
        value, wanted = of.get(scope), needle.get(scope)
        if value is None or wanted is None:
            return None
        folded, wanted = value.casefold(), wanted.casefold()
        return bool({"contains": wanted in folded, "startswith": folded.startswith(wanted), "endswith": folded.endswith(wanted)}[op])

    return Condition(f"{op}({of.text},{needle.text})", holds)


def chosen(branches: list[tuple[Condition, Operand]], kind: str, blank: str) -> Operand:
    """The value behind the first condition that is true."""
    def get(scope: Scope) -> Any:
        return next((value.get(scope) for condition, value in branches if condition.holds(scope) is True), None)

    return Operand(f"case({','.join(f'{condition.text}{blank}:{value.text}' for condition, value in branches)})", kind, get,
                   next((value.enum for _, value in branches if value.enum is not None), None))  # fmt: skip


# --- functions ----------------------------------------------------------------------------------------------------------


class Made(NamedTuple):
    """A function: how it is written around its arguments, their kinds (`=` before one: no member of an open type), its value."""

    form: str
    takes: tuple[str, ...]
    run: Callable[..., Any]


def called(function: Made, kind: str, arguments: list[Operand]) -> Operand:
    """Null where an argument is null or nothing can be computed; a whole number past 64 bits is held as a real one."""
    def get(scope: Scope) -> Any:
        values = [argument.get(scope) for argument in arguments]
        if any(value is None for value in values):
            return None
        try:
            value = function.run(*values)
        except (ArithmeticError, ValueError):
            return None
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return float(value)
        return None if isinstance(value, float) and math.isnan(value) else value

    # The word null has no kind, and neither has what is computed with it.
    kind = "null" if function.form[0] in "(-" and any(argument.kind == "null" for argument in arguments) else kind
    return Operand(function.form.format(*(argument.text for argument in arguments)), kind, get)


def whole(number: float) -> int:
    if number != int(number):
        raise ValueError(number)
    return int(number)


def place(text: str, needle: str) -> int:
    """The letter in which the first match begins, where one letter may fold to several."""
    owners = [at for at, letter in enumerate(text) for _ in letter.casefold()]
    found = text.casefold().find(needle.casefold())
    return found if found < 0 else [*owners, len(text)][found]


def quotient(left: float, right: float) -> float:
    if isinstance(left, int) and isinstance(right, int):
        return math.trunc(Fraction(left, right))
    return left / right


def rest(left: float, right: float) -> float:
    if isinstance(left, int) and isinstance(right, int):
        return left - right * math.trunc(Fraction(left, right))
    return math.fmod(left, right)


def moment(value: int | date) -> datetime:
    ticks = midnight(value) if isinstance(value, date) else value
    return datetime(1970, 1, 1) + timedelta(microseconds=ticks // 10)  # noqa: DTZ001 -- ticks are UTC


def instant(ticks: int) -> int:
    if not FIRST <= ticks <= LAST:
        raise ValueError(ticks)
    return ticks


def day_of(ticks: int) -> date:
    return date.fromordinal(instant(ticks) // DAY + EPOCH)


def midnight(day: date) -> int:
    return (day.toordinal() - EPOCH) * DAY


def span(ticks: Fraction | int) -> int:
    found = round(Fraction(ticks))
    if abs(found) > 2**62:
        raise ValueError(ticks)
    return found


def shortened(number: float, bits: int) -> int:
    found = math.trunc(number)
    if not -(2 ** (bits - 1)) <= found < 2 ** (bits - 1):
        raise ValueError(number)
    return found


def number_text(number: float) -> str:
    return str(int(number)) if number == math.floor(number) and abs(number) < 2**63 else repr(number)


def time_text(ticks: int) -> str:
    seconds, part = divmod(ticks, SECOND)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{part:07}"


def moment_text(ticks: int) -> str:
    return f"{day_of(ticks).isoformat()}T{time_text(ticks % DAY)}Z"


def span_text(ticks: int) -> str:
    seconds, part = divmod(abs(ticks), SECOND)
    return f"{'-' if ticks < 0 else ''}PT{seconds}{f'.{part:07}'.rstrip('0') if part else ''}S"


def matched(pattern: str, text: str) -> re.Match[str]:
    found = re.fullmatch(pattern, text.strip(), re.ASCII | re.IGNORECASE)
    if found is None:
        raise ValueError(text)
    return found


def number_of(text: str) -> float:
    found = matched(r"[+-]?(\d+(\.\d+)?(e[+-]?\d+)?|inf)", text)[0]
    return int(found) if found.lstrip("+-").isdigit() else float(found)


def time_of(text: str) -> int:
    hours, minutes, _, seconds, _, part = matched(r"([01]\d|2[0-3]):([0-5]\d)(:([0-5]\d)(\.(\d{1,12}))?)?", text).groups()
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds or 0)) * SECOND + int(((part or "") + "0000000")[:7])


def instant_of(text: str, *, day_alone: bool) -> int:
    found = matched(r"(\d{4}-\d\d-\d\d)(?:[T ]([\d:.]+)(Z|[+-]\d\d:?\d\d)?)?", text)
    day, clock, zone = found.groups()
    if not day_alone and zone is None:
        raise ValueError(text)
    shift = 0 if zone is None or zone in "Zz" else int(zone[0] + "1") * (int(zone[1:3]) * 60 + int(zone[-2:])) * 60 * SECOND
    return instant(midnight(date.fromisoformat(day)) + (0 if clock is None else time_of(clock)) - shift)


def span_of(text: str) -> int:
    found = matched(r"(-?)P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", text)
    days, hours, minutes, seconds = (Fraction(part or 0) for part in found.groups()[1:])
    total = math.trunc((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * SECOND)
    return span(-total if found[1] else total)


def truth_of(text: str) -> bool:
    return matched("true|false", text)[0].lower() == "true"


def text_of_any(value: Any) -> str:
    """A member of an open type as text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return number_text(value)
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004 -- what cannot be computed
    return value


def number_of_any(value: Any) -> float:
    if isinstance(value, bool | list | dict):
        raise ValueError(value)  # noqa: TRY004 -- as above
    return number_of(value) if isinstance(value, str) else value


BITS = {"Edm.Int16": 16, "Edm.Int32": 32, "Edm.Int64": 64}
FUNCTIONS: dict[str, list[Made]] = {
    "text": [
        Made("concat({},{})", ("text", "text"), lambda left, right: left + right),
        Made("substring({},{})", ("text", "number"), lambda text, start: text[max(whole(start), 0):]),
        Made("substring({},{},{})", ("text", "number", "number"),
             lambda text, start, length: text[max(whole(start), 0):][:max(whole(length), 0)]),
        Made("tolower({})", ("text",), str.lower), Made("toUpper({})", ("text",), lambda text: "".join(one if one == "\u0131" else one.upper() for one in text)),
        Made("trim({})", ("text",), str.strip),
        Made("cast({},Edm.String)", ("=number",), number_text), Made("cast({},Edm.String)", ("=text",), str),
        Made("cast({},Edm.String)", ("enum",), str), Made("cast({},Edm.String)", ("moment",), moment_text),
        Made("cast({},Edm.String)", ("date",), date.isoformat), Made("cast({},Edm.String)", ("time",), time_text),
        Made("cast({},Edm.String)", ("duration",), span_text), Made("cast({},Edm.String)", ("=boolean",), lambda value: str(value).lower()),
        Made("cast({},Edm.String)", ("open",), text_of_any),
    ],
    "number": [
        Made("length({})", ("text",), len), Made("IndexOf({},{})", ("text", "text"), place),
        Made("({} add {})", ("number", "number"), lambda left, right: left + right), Made("({} sub {})", ("number", "number"), lambda left, right: left - right),
        Made("({} mul {})", ("number", "number"), lambda left, right: left * right), Made("({} div {})", ("number", "number"), quotient),
        Made("({} divby {})", ("number", "number"), lambda left, right: left / right), Made("({} mod {})", ("number", "number"), rest),
        Made("-({})", ("number",), lambda number: -number),
        Made("round({})", ("number",), lambda number: int(Decimal(number).to_integral_value(ROUND_HALF_UP))),
        Made("floor({})", ("number",), math.floor), Made("ceiling({})", ("number",), math.ceil),
        Made("year({})", ("day",), lambda ticks: moment(ticks).year), Made("month({})", ("day",), lambda ticks: moment(ticks).month),
        Made("day({})", ("day",), lambda ticks: moment(ticks).day), Made("hour({})", ("moment",), lambda ticks: moment(ticks).hour),
        Made("minute({})", ("hour",), lambda ticks: moment(ticks).minute), Made("second({})", ("hour",), lambda ticks: moment(ticks).second),
        Made("fractionalseconds({})", ("hour",), lambda ticks: ticks % SECOND / SECOND), Made("totaloffsetminutes({})", ("moment",), lambda _: 0),
        Made("totalseconds({})", ("duration",), lambda ticks: ticks // SECOND if ticks % SECOND == 0 else ticks / SECOND),
        Made("({} div {})", ("duration", "duration"), lambda left, right: left / right),
        *(Made(f"cast({{}},{name})", ("=text",), lambda text, bits=bits: shortened(number_of(text), bits)) for name, bits in BITS.items()),
        *(Made(f"cast({{}},{name})", ("=number",), lambda number, bits=bits: shortened(number, bits)) for name, bits in BITS.items()),
        Made("cast({},Edm.Double)", ("=text",), lambda text: float(number_of(text))), Made("cast({},Edm.Decimal)", ("=text",), number_of),
        Made("cast({},Edm.Double)", ("=number",), float), Made("cast({},Edm.Decimal)", ("=number",), lambda number: number),
        Made("cast({},Edm.Int64)", ("open",), lambda value: shortened(number_of_any(value), 64)),
        Made("cast({},Edm.Decimal)", ("open",), number_of_any),
    ],
    "moment": [
        Made("({} add {})", ("moment", "duration"), lambda ticks, step: instant(ticks + step)),
        Made("({} add {})", ("duration", "moment"), lambda step, ticks: instant(ticks + step)),
        Made("({} sub {})", ("moment", "duration"), lambda ticks, step: instant(ticks - step)),
        Made("cast({},Edm.DateTimeOffset)", ("=text",), lambda text: instant_of(text, day_alone=False)),
        Made("cast({},Edm.DateTimeOffset)", ("date",), midnight), Made("cast({},Edm.DateTimeOffset)", ("moment",), lambda ticks: ticks),
    ],
    "date": [
        Made("date({})", ("moment",), day_of), Made("cast({},Edm.Date)", ("moment",), day_of),
        Made("({} add {})", ("date", "duration"), lambda day, step: day_of(midnight(day) + step)),
        Made("({} sub {})", ("date", "duration"), lambda day, step: day_of(midnight(day) - step)),
        Made("cast({},Edm.Date)", ("=text",), lambda text: day_of(instant_of(text, day_alone=True))),
    ],
    "time": [
        Made("time({})", ("moment",), lambda ticks: ticks % DAY), Made("cast({},Edm.TimeOfDay)", ("moment",), lambda ticks: ticks % DAY),
        Made("cast({},Edm.TimeOfDay)", ("=text",), time_of),
    ],
    "duration": [
        Made("({} sub {})", ("moment", "moment"), lambda left, right: left - right),
        Made("({} sub {})", ("date", "date"), lambda left, right: midnight(left) - midnight(right)),
        Made("({} add {})", ("duration", "duration"), lambda left, right: span(left + right)),
        Made("({} sub {})", ("duration", "duration"), lambda left, right: span(left - right)),
        Made("({} mul {})", ("duration", "number"), lambda step, number: span(step * Fraction(number))),
        Made("({} mul {})", ("number", "duration"), lambda number, step: span(step * Fraction(number))),
        Made("({} div {})", ("duration", "number"), lambda step, number: span(step / Fraction(number))),
        Made("-({})", ("duration",), lambda step: -step), Made("cast({},Edm.Duration)", ("=text",), span_of),
    ],
    "boolean": [Made("cast({},Edm.Boolean)", ("=text",), truth_of)],
}  # fmt: skip
"""Every function by the kind that it gives. The kinds `day` and `hour` are instants or days, and instants or times."""
