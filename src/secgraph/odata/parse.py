"""Text to nodes: the expression grammar of the OData 4.01 URL conventions.

A hand-written precedence parser over one regular expression. It never recurses past `DEEPEST`, refuses text past
`LONGEST`, and every refusal names the place.
"""

from __future__ import annotations

import re
from typing import NamedTuple, cast

from secgraph.errors import BadFilter
from secgraph.odata.ast import Binary, Call, In, Lambda, Literal, LiteralKind, Node, Path, Quantifier, Unary

DEEPEST = 50
"""Most brackets, functions and lambdas inside each other."""

LONGEST = 16_384
"""Most characters of one expression."""

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'(?:[^']|'')*')
    | (?P<moment>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,12})?)?(?:Z|[+\-\s]\d{2}:?\d{2})?(?![\w:.]))
    | (?P<guid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-]))
    | (?P<date>\d{4}-\d{2}-\d{2}(?![\w:-]))
    | (?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.]|-\d))
    | (?P<name>[$@]?[^\W\d]\w*(?:\.[^\W\d]\w*)*)(?P<quoted>'(?:[^']|'')*')?
    | (?P<mark>[(),/:\-])
    )""",
    re.VERBOSE | re.IGNORECASE,
)

# How tightly a word binds, from loose to tight (OData 4.01, part 2, section 5.1.1.16).
_BINDS = {
    "or": 1, "and": 2, "eq": 3, "ne": 3, "lt": 4, "gt": 4, "le": 4, "ge": 4, "in": 5, "has": 5,
    "add": 6, "sub": 6, "mul": 7, "div": 7, "divby": 7, "mod": 7,
}  # fmt: skip
_NOT = 8


class Token(NamedTuple):
    """A piece of the text."""

    kind: str
    value: str
    at: int
    quoted: str | None = None


def expression(text: str) -> Node:
    """The node a `$filter` text stands for; BadFilter with the place when it is not understood."""
    if len(text) > LONGEST:
        raise BadFilter(f"The expression has {len(text)} characters; at most {LONGEST} are read.",
                        hint="Use fewer terms, or `in (...)` for a list of values.")  # fmt: skip
    reader = _Reader(text)
    node = reader.operand(0)
    reader.expect_end()
    return node


def path(text: str) -> Path:
    """The path an `$orderby` or `$select` item stands for."""
    reader = _Reader(text)
    node = reader.operand(_NOT)
    reader.expect_end()
    if not isinstance(node, Path):
        raise BadFilter("A property path is expected here", at=0, text=text, hint="For example createdDateTime.")
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._split())
        self.place = 0
        self.depth = 0

    def _split(self) -> list[Token]:
        tokens, at = [], 0
        end = len(self.text.rstrip())
        while at < end:
            match = _TOKEN.match(self.text, at)
            if match is None or match.end() == at:
                at += len(self.text[at:]) - len(self.text[at:].lstrip())
                unclosed = self.text[at] == "'"
                raise self._refuse("A text without its closing quote" if unclosed else "This cannot be read", at,
                                   "A quote inside a text is doubled: 'it''s'." if unclosed else "")  # fmt: skip
            kind = cast("str", match.lastgroup)
            if kind == "quoted" and match["name"].lower() in {*_BINDS, "not"}:  # severity eq'high'
                tokens.append(Token("name", match["name"], match.start("name")))
                tokens.append(Token("text", match["quoted"], match.start("quoted")))
            else:
                kind = "name" if kind == "quoted" else kind
                tokens.append(Token(kind, match[kind], match.start(kind), match["quoted"]))
            at = match.end()
        tokens.append(Token("end", "", end))
        return tokens

    def _refuse(self, reason: str, at: int, hint: str = "") -> BadFilter:
        return BadFilter(reason, at=at, text=self.text, hint=hint)

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def mark(self, value: str) -> bool:
        """Takes that mark when it comes next."""
        if self.token.kind == "mark" and self.token.value == value:
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

    def operand(self, tighter_than: int) -> Node:
        """One operand and every operator behind it that binds tighter than the given one."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._refuse(f"More than {DEEPEST} levels inside each other", self.token.at, "Flatten the expression.")
        left = self._prefix()
        chained = 0
        while True:
            token = self.token
            word = token.value.lower() if token.kind == "name" and token.quoted is None else ""
            binds = _BINDS.get(word, 0)
            if binds <= tighter_than:
                break
            self.place += 1
            chained += word not in {"and", "or"}  # those are flattened later; any other chain nests
            if chained > DEEPEST:
                raise self._refuse(f"More than {DEEPEST} operators in a row", token.at)
            left = In(left, self._items(), token.at) if word == "in" else Binary(word, left, self.operand(binds), token.at)
        self.depth -= 1
        return left

    def _items(self) -> tuple[Node, ...]:
        self.expect("(", "before the list of values")
        items = [self.operand(2)]
        while self.mark(","):
            items.append(self.operand(2))
        self.expect(")", "after the list of values")
        return tuple(items)

    def _prefix(self) -> Node:
        token = self.take()
        match token.kind:
            case "text":
                return Literal("text", token.value[1:-1].replace("''", "'"), at=token.at)
            case "moment" | "guid" | "date" | "number":
                return Literal(cast("LiteralKind", token.kind), token.value, at=token.at)
            case "name":
                return self._name(token)
            case "mark" if token.value == "(":
                inner = self.operand(0)
                self.expect(")", "to close the bracket")
                return inner
            case "mark" if token.value == "-":
                if self.token.kind == "number":
                    return Literal("number", f"-{self.take().value}", at=token.at)
                return Unary("-", self.operand(_NOT), token.at)
        if token.kind == "end":
            raise self._refuse("The expression ends where an operand is expected", token.at)
        raise self._refuse(f"'{token.value}' where an operand is expected", token.at)

    def _name(self, token: Token) -> Node:
        word = token.value.lower()
        if token.quoted is not None:
            inside = token.quoted[1:-1].replace("''", "'")
            kind: LiteralKind = "duration" if word == "duration" else "typed"
            return Literal(kind, inside, token.value, at=token.at)
        following = self.token.kind == "mark" and self.token.value
        if word == "not" and following != "/":
            return Unary("not", self.operand(_NOT), token.at)
        if following not in {"/", "("} and word in {"true", "false", "null"}:
            return Literal("null" if word == "null" else "boolean", word, at=token.at)
        if word in _BINDS and following != "/":
            raise self._refuse(f"'{token.value}' where an operand is expected", token.at)
        if following == "(":
            return self._call(token)
        return self._path(token)

    def _call(self, token: Token) -> Call:
        self.take()
        arguments: list[Node] = []
        if not self.mark(")"):
            arguments.append(self.operand(0))
            while self.mark(","):
                arguments.append(self.operand(0))
            self.expect(")", f"to close {token.value}(")
        return Call(token.value, tuple(arguments), token.at)

    def _path(self, token: Token) -> Node:
        steps = [token.value]
        while self.mark("/"):
            step = self.take()
            if step.kind != "name" or step.quoted is not None:
                raise self._refuse("A name is expected after '/'", step.at)
            word = step.value.lower()
            if word in {"any", "all"} and self.token.kind == "mark" and self.token.value == "(":
                return self._lambda(Path(tuple(steps), token.at), word, step.at)
            steps.append(step.value)
        return Path(tuple(steps), token.at)

    def _lambda(self, over: Path, word: str, at: int) -> Lambda:
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
