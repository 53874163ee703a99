"""How many cases of a public grammar suite the query language judges right.

    .venv/bin/python tests/odata/score.py FILE

A case is a rule of the OData 4.01 ABNF, an input, and, where the input breaks the rule, the place. Prints every case that
is judged wrongly, with the reason where it is an exception that we chose, and ends with `R/N right`. Cases of the rule
`context` are not counted: they are what a server writes, not what it reads.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from secgraph.edge.prefer import well_formed
from secgraph.errors import Refusal
from secgraph.model.choices import ALERTS
from secgraph.odata import clauses, literal, parse, search
from secgraph.odata.ast import Call, Items, Lambda, Literal, Members, Node, Unary
from secgraph.odata.options import options, truth, whole

UNCOUNTED = {"context"}

EXCEPTIONS = {
    "FirstName in (FirstName,LastName)": "in a list, members of enumerations are taken without quotes: bare names are read",
    "$filter= true": "blanks are taken around anything: clients send them",
    "$search=more&more": "a parameter of a client's own without a value is ignored like any other",
    "$search='\"'": "nothing in it can be looked for, and a search that is not obeyed is refused",
    "$search=a;b": "a semicolon parts words like every other mark",
}
"""Inputs that are judged differently on purpose, and why."""


def pattern(form: str) -> Callable[[str], bool]:
    return lambda text: literal.is_a(form, text)


NUMBER = rf"[+-]?{literal.NUMBER}"
OFFSET = r".*(?:Z|[+-]\d{2}:\d{2})"


def moment(text: str) -> bool:
    return literal.is_a(literal.MOMENT, text) and literal.is_a(OFFSET, text)


def real(text: str) -> bool:
    return literal.is_a(NUMBER, text) or text in {"INF", "-INF", "NaN"}


def integer(bits: int, *, signed: bool = True) -> Callable[[str], bool]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return lambda text: re.fullmatch(r"[+-]?\d{1,20}", text) is not None and low <= int(text) <= high


VALUES: dict[str, Callable[[str], bool]] = {
    "boolean": pattern("true|false"), "date": pattern(literal.DATE), "dateTimeOffset": moment, "timeOfDay": pattern(literal.TIME),
    "duration": pattern(literal.DURATION), "guid": pattern(literal.GUID), "decimal": real, "double": real, "single": real,
    "byte": integer(8, signed=False), "sbyte": integer(8), "int16": integer(16), "int32": integer(32), "int64": integer(64),
    "binary": pattern("(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}(?:==)?|[A-Za-z0-9_-]{3}=?)?"),
    "enum": pattern(r"(?:\w+|-?\d+)(?:,(?:\w+|-?\d+))*"),
}  # fmt: skip
"""Values by themselves: what stands in a key or a body, not percent-encoded."""


def expression(text: str) -> Node:
    return parse.expression(unquote(text))


def a_condition(node: Node) -> bool:
    """Whether a node can be true or false."""
    return not isinstance(node, Items | Members) and not (isinstance(node, Literal) and node.kind != "boolean")


def literals(kinds: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda text: isinstance(node := expression(text), Literal) and node.kind in kinds


def every_option(found: dict[str, str], raw: str = "") -> bool:
    """Reads each option as the server does; a Refusal where one is not understood."""
    read: dict[str, Callable[[str], Any]] = {
        "$filter": parse.expression, "$orderby": clauses.orderby, "$compute": clauses.compute,
        "$search": lambda text: search.condition(text, ALERTS), "$select": clauses.select, "$expand": clauses.expand,
        "$top": lambda _: whole(found, "$top"), "$skip": lambda _: whole(found, "$skip"), "$count": lambda _: truth(found, "$count"),
        "$index": lambda text: int(text) if re.fullmatch(r"-?\d+", text) else _no(text),
    }  # fmt: skip
    for name, text in found.items():
        value = read.get(name, parse.expression if name.startswith("@") else str)(text)
        if name in {"$select", "$expand"}:
            for one in value:
                every_option(one.options)
    return "#" not in raw


def _no(text: str) -> None:
    raise ValueError(text)


def question(text: str) -> bool:
    return every_option(options(text.encode()), text)


def one_option(name: str) -> Callable[[str], bool]:
    def judge(text: str) -> bool:
        found = options(text.encode())
        return "&" not in text and list(found) == [f"${name}"] and every_option(found, text)

    return judge


def preferences(text: str) -> bool:
    name, _, value = text.partition(":")
    return name.strip().lower() == "prefer" and well_formed(value.strip())


EXPRESSIONS: dict[str, Callable[[Node], bool]] = {
    "commonExpr": lambda _: True, "boolCommonExpr": a_condition, "notExpr": lambda node: isinstance(node, Unary),
    "isofExpr": lambda node: isinstance(node, Call), "castExpr": lambda node: isinstance(node, Call),
    "arrayOrObject": lambda node: isinstance(node, Items | Members),
    "firstMemberExpr": lambda node: not isinstance(node, Literal), "memberExpr": lambda node: not isinstance(node, Literal),
    "propertyPathExpr": lambda node: not isinstance(node, Literal),
}  # fmt: skip

JUDGES: dict[str, Callable[[str], bool]] = {
    "queryOptions": question, "preference": well_formed, "maxpagesizePreference": well_formed, "prefer": preferences, "header": preferences,
    "primitiveLiteral": lambda text: isinstance(expression(text), Literal),
    "stringLiteral": literals(("text",)), "string": literals(("text",)), "enumLiteral": literals(("typed", "text")),
    "enum": literals(("typed", "text")), "anyExpr": lambda text: isinstance(expression(f"x/{text}"), Lambda),
    "allExpr": lambda text: isinstance(expression(f"x/{text}"), Lambda),
}  # fmt: skip
OPTIONS = ("filter", "orderby", "select", "expand", "search", "compute", "top", "skip", "count", "inlinecount", "format", "skiptoken", "index")


def judge(rule: str, text: str) -> bool:
    """Whether the input is of that rule, in the eyes of the server."""
    try:
        if rule in JUDGES:
            return JUDGES[rule](text)
        if rule in OPTIONS:
            return one_option(rule)(text)
        if rule in VALUES or rule.removesuffix("Value") in VALUES:
            return VALUES[rule if rule in VALUES else rule.removesuffix("Value")](text)
        fits: Callable[[Node], bool] = EXPRESSIONS.get(rule, EXPRESSIONS["commonExpr"])
        return fits(expression(text))
    except (Refusal, ValueError):
        return False


def score(cases: list[dict[str, Any]]) -> tuple[int, list[tuple[dict[str, Any], bool]]]:
    """How many cases were counted, and those judged wrongly with what was said of them."""
    counted = [case for case in cases if case["rule"] not in UNCOUNTED]
    judged = [(case, judge(case["rule"], case["input"])) for case in counted]
    return len(counted), [(case, said) for case, said in judged if said is ("fail_at" in case)]


def main(file: str) -> int:
    """Prints what is judged wrongly and the score; 1 when a wrong one is not an exception of ours."""
    known = json.loads(Path(file).read_text(encoding="utf-8"))
    total, wrong = score(known["cases"] if isinstance(known, dict) else known)
    for case, said in wrong:
        why = EXCEPTIONS.get(case["input"], "")
        sys.stdout.write(f"{case['rule']}: {case['input']}: {'taken' if said else 'refused'}{f' ({why})' if why else ''}\n")
    sys.stdout.write(f"{total - len(wrong)}/{total} right\n")
    return int(any(case["input"] not in EXCEPTIONS for case, _ in wrong))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: score.py FILE")
    sys.exit(main(sys.argv[1]))
