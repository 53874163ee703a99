"""Text to nodes: the expression grammar of the OData 4.01 URL conventions.

A hand-written precedence parser over the tokens of `lex.py`. It never recurses past `DEEPEST`, refuses text past
`LONGEST`, and every refusal names the place.
"""

from __future__ import annotations

import json
from typing import cast

from secgraph.errors import BadFilter
from secgraph.odata.ast import (
    Binary,
    Call,
    Case,
    Filtered,
    In,
    Items,
    Lambda,
    Literal,
    Members,
    Node,
    Path,
    Quantifier,
    Unary,
    Within,
)
from secgraph.odata.lex import BINDS, Token, tokens
from secgraph.odata.literal import DATE, MOMENT, NOT_FINITE, TIME, LiteralKind, is_a

DEEPEST = 50
"""Most brackets, functions and lambdas inside each other."""

TALLEST = 100
"""Most operators, functions and lambdas of which each is part of the next: every reader of nodes goes as deep as that."""

LONGEST = 16_384
"""Most characters of one expression."""

MOST_ARGUMENTS = 50
"""Most arguments of one function."""

_WORDS = {*BINDS, "not", "true", "false", "null", *(word.lower() for word in NOT_FINITE)}
"""Names that mean more than a name."""

_NOT = 8
"""`not` and the minus bind tighter than every word between two operands."""


_STRICT = {"moment": (MOMENT, "a date-time"), "date": (DATE, "a date"), "time": (TIME, "a time of day")}


def expression(text: str) -> Node:
    """The node a `$filter` text stands for; BadFilter with the place when it is not understood."""
    return measured(text)[0]


def measured(text: str) -> tuple[Node, int]:
    """The node, and how many levels it has; BadFilter as above."""
    if len(text) > LONGEST:
        raise BadFilter(f"The expression has {len(text)} characters; at most {LONGEST} are read",
                        hint="Use fewer terms, or `in (...)` for a list of values.")  # fmt: skip
    if text.isidentifier() and text.isascii() and text.lower() not in _WORDS:
        return Path((text,)), 1  # as most keys of an order are
    reader = _Reader(text)
    node = reader.operand(0)
    reader.expect_end()
    return node, reader.tall


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.place = 0
        self.depth = 0
        self.tall = 0
        """Levels of the tallest operand read since the one around the present place began."""

    def _refuse(self, reason: str, at: int, hint: str = "") -> BadFilter:
        return BadFilter(reason, at=at, text=self.text, hint=hint)

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def ahead(self, value: str) -> bool:
        """Whether that mark comes next."""
        return self.token.kind == "mark" and self.token.value == value

    def mark(self, value: str) -> bool:
        """Takes that mark when it comes next."""
        if self.ahead(value):
            self.place += 1
            return True
        return False

    def expect(self, value: str, what: str) -> None:
        if not self.mark(value):
            raise self._refuse(f"'{value}' {what} is missing", self.token.at)

    def expect_end(self) -> None:
        if self.token.kind != "end":
            raise self._refuse("Something follows where the expression should end", self.token.at,
                               "Join comparisons with `and` or `or`.")  # fmt: skip

    # -- expressions

    def operand(self, tighter_than: int, *, argument: bool = False) -> Node:
        """One operand and every operator behind it that binds tighter than the given one. Only an argument may be the
        bare name of a type.
        """
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._refuse(f"More than {DEEPEST} levels inside each other", self.token.at, "Flatten the expression.")
        beside, self.tall = self.tall, 0
        left = self._prefix(argument=argument)
        while (token := self.tokens[self.place]).kind == "name" and token.quoted is None:
            word = token.value.lower()
            binds = BINDS.get(word, 0)
            if binds <= tighter_than:
                break
            self.place += 1
            left = self._among(left, token.at) if word == "in" else Binary(word, left, self.operand(binds), token.at)
            if word not in {"and", "or"}:  # those are flattened later; any other chain nests
                self.tall += 1
                if self.tall > TALLEST:
                    raise self._refuse(f"More than {TALLEST} operators upon each other", token.at, "Flatten the expression.")
        self.tall = max(beside, self.tall + 1)
        self.depth -= 1
        return left

    def _among(self, left: Node, at: int) -> Node:
        """What follows `in`: a list of constants in round brackets, a list in square ones, or a collection."""
        if self.mark("("):
            found = [] if self.ahead(")") else self._list()
            self.expect(")", "after the list of values")
            for one in found[1:]:
                # A bare name may be a member of an enumeration, which clients write without quotes; the model knows.
                if not isinstance(one, Literal) and not (isinstance(one, Path) and len(one.steps) == 1):
                    raise self._refuse("A constant is expected in the list", getattr(one, "at", at),
                                       "A list of expressions stands in square brackets: in [a,b].")  # fmt: skip
            return In(left, tuple(found), at)
        if self.mark("["):
            found = [] if self.ahead("]") else self._json_list()
            self.expect("]", "after the list of values")
            return In(left, tuple(found), at)
        if self.token.kind == "name" and self.token.value.lower() not in BINDS:
            return Binary("in", left, self.operand(BINDS["in"]), at)
        raise self._refuse("'(' before the list of values is missing", self.token.at)

    def _list(self) -> list[Node]:
        found = [self.operand(0)]
        while self.mark(","):
            found.append(self.operand(0))
        return found

    def _prefix(self, *, argument: bool) -> Node:
        token = self.take()
        match token.kind:
            case "text":
                return Literal("text", token.value[1:-1].replace("''", "'"), at=token.at)
            case "moment" | "date" | "time" if not is_a(_STRICT[token.kind][0], token.value):
                raise self._refuse(f"'{token.value}' is not {_STRICT[token.kind][1]}", token.at,
                                   "Write it as 2026-01-31T09:00:00Z, 2026-01-31 or 09:00:00.")  # fmt: skip
            case "moment" | "guid" | "date" | "time" | "number":
                return Literal(cast("LiteralKind", token.kind), token.value, at=token.at)
            case "name":
                return self._name(token, argument=argument)
            case "json":
                raise self._refuse("A text stands in single quotes", token.at, 'Double quotes are for lists: ["a","b"].')
            case "mark" if token.value == "(":
                inner = self.operand(0)
                self.expect(")", "to close the bracket")
                return inner
            case "mark" if token.value in "-+":
                return self._signed(token)
            case "mark" if token.value == "[":
                found = [] if self.ahead("]") else self._json_list()
                self.expect("]", "to close the list")
                return Items(tuple(found), token.at)
            case "mark" if token.value == "{":
                return self._members(token)
        if token.kind == "end":
            raise self._refuse("The expression ends where an operand is expected", token.at)
        raise self._refuse(f"'{token.value}' where an operand is expected", token.at)

    def _signed(self, token: Token) -> Node:
        following = self.token
        finite = following.kind == "number"
        if finite or (following.kind == "name" and following.value == NOT_FINITE[0] and following.quoted is None):
            value = self.take().value
            return Literal("number", value if token.value == "+" else f"-{value}", at=token.at)
        if token.value == "+":
            raise self._refuse("A number is expected after '+'", following.at)
        return Unary("-", self.operand(_NOT), token.at)

    # -- lists and objects, as in JSON

    def _json_list(self) -> list[Node]:
        found = [self._json_value()]
        while self.mark(","):
            found.append(self._json_value())
        return found

    def _json_value(self) -> Node:
        if self.token.kind == "json":
            token = self.take()
            return Literal("text", self._json_text(token), at=token.at)
        return self.operand(0)

    def _json_text(self, token: Token) -> str:
        try:
            found = str(json.loads(token.value))
            found.encode()  # JSON can spell half a character; no value holds one
        except UnicodeEncodeError:
            raise self._refuse("This text holds half a character", token.at) from None
        except ValueError:
            raise self._refuse("This text is not JSON", token.at) from None
        return found

    def _members(self, opening: Token) -> Members:
        found: list[tuple[str, Node]] = []
        while not self.ahead("}"):
            if found:
                self.expect(",", "between two members")
            name = self.take()
            if name.kind != "json":
                raise self._refuse("A member's name in double quotes is expected", name.at)
            self.expect(":", "behind a member's name")
            found.append((self._json_text(name), self._json_value()))
        self.expect("}", "to close the object")
        return Members(tuple(found), opening.at)

    # -- names

    def _name(self, token: Token, *, argument: bool) -> Node:
        word = token.value.lower()
        if token.quoted is not None:
            inside = token.quoted[1:-1].replace("''", "'")
            kind: LiteralKind = "duration" if word == "duration" else "typed"
            return Literal(kind, inside, token.value, at=token.at)
        following = self.token.value if self.token.kind == "mark" else ""
        if word == "not" and following != "/":
            return Unary("not", self.operand(_NOT), token.at)
        if following not in {"/", "("}:
            if word in {"true", "false", "null"}:
                return Literal("null" if word == "null" else "boolean", word, at=token.at)
            if token.value in NOT_FINITE:
                return Literal("number", token.value, at=token.at)
        if word in BINDS and following != "/":
            raise self._refuse(f"'{token.value}' where an operand is expected", token.at)
        if following == "(":
            if word == "case":
                return self._goes_on(self._case(token))
            return self._goes_on(self._call(token, None))
        node = self._path(token) if following == "/" else Path((token.value,), token.at)
        if "." in token.value and node == Path((token.value,)) and not argument and token.value[0] not in "$@":
            raise self._refuse(f"'{token.value}' is a type or a function, and nothing follows it", token.at,
                               "Put '/' and a member behind a type, brackets behind a function.")  # fmt: skip
        return node

    def _call(self, token: Token, on: Node | None) -> Call:
        self.take()
        arguments: list[Node] = []
        named: list[tuple[str, Node]] = []
        while not self.mark(")"):
            if len(arguments) + len(named) == MOST_ARGUMENTS:
                raise self._refuse(f"More than {MOST_ARGUMENTS} arguments", self.token.at)
            if (arguments or named) and not self.mark(","):
                raise self._refuse(f"')' to close {token.value}( is missing", self.token.at)
            following = self.tokens[min(self.place + 1, len(self.tokens) - 1)]
            if self.token.kind == "name" and following.kind == "mark" and following.value == "=":
                name = self.take().value
                self.take()
                named.append((name, self._json_value()))
            else:
                arguments.append(self.operand(0, argument=True))
        if named:
            arguments.append(Members(tuple(named), token.at, named=True))
        return Call(token.value, tuple(arguments), token.at, on)

    def _case(self, token: Token) -> Case:
        self.take()
        branches: list[tuple[Node, Node]] = []
        while not branches or self.mark(","):
            condition = self.operand(0)
            self.expect(":", "between a condition and its value")
            branches.append((condition, self.operand(0)))
        self.expect(")", "to close case(")
        return Case(tuple(branches), token.at)

    def _path(self, token: Token) -> Node:
        steps = [token.value]
        while self.ahead("/"):
            self.take()
            step = self._step()
            word = step.value.lower()
            if self.ahead("("):
                return self._goes_on(self._applied(Path(tuple(steps), token.at), step, word))
            steps.append(step.value)
            if len(steps) > DEEPEST:
                raise self._refuse(f"More than {DEEPEST} names in a row", token.at)
        return Path(tuple(steps), token.at)

    def _step(self) -> Token:
        step = self.take()
        if step.kind != "name" or step.quoted is not None:
            raise self._refuse("A name is expected after '/'", step.at)
        return step

    def _applied(self, over: Node, step: Token, word: str) -> Node:
        """What brackets behind a path mean: a lambda, a filter on its items, or a function called on it."""
        if word in {"any", "all"}:
            return self._lambda(over, word, step.at)
        if word == "$filter":
            self.take()
            body = self.operand(0)
            self.expect(")", "to close $filter(")
            return Filtered(over, body, step.at)
        if word == "$count":
            return self._counted(over, step)
        return self._call(step, over)

    def _counted(self, over: Node, step: Token) -> Node:
        """`$count($filter=...)`: how many of the items a condition holds for."""
        self.take()
        name = self.take()
        if name.value.lower().lstrip("$") != "filter" or not self.mark("="):
            raise self._refuse("$count takes a $filter", name.at,
                               "For example evidence/$count($filter=verdict eq 'malicious').")  # fmt: skip
        body = self.operand(0)
        self.expect(")", "to close $count(")
        return Within(Filtered(over, body, step.at), Path((step.value,), step.at), step.at)

    def _goes_on(self, base: Node) -> Node:
        """What follows behind a call or a filtered collection."""
        if isinstance(base, Lambda):
            return base
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._refuse(f"More than {DEEPEST} levels inside each other", self.token.at, "Flatten the expression.")
        node: Node = base
        steps: list[str] = []
        at = base.at
        while self.ahead("/"):
            self.take()
            step = self._step()
            at = step.at if not steps else at
            if self.ahead("("):
                node = self._goes_on(self._applied(Within(node, Path(tuple(steps), at), at) if steps else node, step,
                                                   step.value.lower()))  # fmt: skip
                steps = []
                break
            steps.append(step.value)
            if len(steps) > DEEPEST:
                raise self._refuse(f"More than {DEEPEST} names in a row", at)
        self.depth -= 1
        return Within(node, Path(tuple(steps), at), at) if steps else node

    def _lambda(self, over: Node, word: str, at: int) -> Lambda:
        chosen: Quantifier = "any" if word == "any" else "all"
        self.take()
        if self.mark(")"):
            if chosen == "all":
                raise self._refuse("all() needs a condition", at, "For example evidence/all(e: e/verdict ne 'malicious').")
            return Lambda(over, "any", None, None, at)
        variable = self.take()
        if variable.kind != "name" or variable.quoted is not None or not self.mark(":"):
            raise self._refuse(f"{word}( needs a variable and ':'", variable.at,
                               "For example evidence/any(e: e/verdict eq 'malicious').")  # fmt: skip
        body = self.operand(0)
        self.expect(")", f"to close {word}(")
        return Lambda(over, chosen, variable.value, body, at)
