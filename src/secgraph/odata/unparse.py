"""Nodes to text: the canonical spelling of an expression. Parsing it again gives equal nodes."""

from __future__ import annotations

import json

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
    Unary,
    Within,
)


def text(node: Node) -> str:
    """The expression in one spelling: lower-case words, single blanks, brackets around every inner operator."""
    match node:
        case Literal(kind="text", value=value):
            return _quoted(value)
        case Literal(kind="typed" | "duration", value=value, type=name):
            return name + _quoted(value)
        case Literal(value=value):
            return value
        case Path(steps=steps):
            return "/".join(steps)
        case Within(base=base, path=path):
            return f"{text(base)}/{text(path)}"
        case Filtered(over=over, body=body):
            return f"{text(over)}/$filter({text(body)})"
        case Call(name=name, arguments=arguments, on=on):
            return f"{'' if on is None else f'{text(on)}/'}{name}({','.join(map(_argument, arguments))})"
        case Lambda(path=over, word=word, variable=variable, body=inner):
            inside = "" if variable is None or inner is None else f"{variable}:{text(inner)}"
            return f"{text(over)}/{word}({inside})"
        case Unary(word=word, operand=operand):
            return f"not ({text(operand)})" if word == "not" else f"-({text(operand)})"
        case Binary(word="and" | "or" as word):
            # A chain leans left and needs no brackets; one of a thousand terms is walked, not descended into.
            parts: list[str] = []
            at: Node = node
            while isinstance(at, Binary) and at.word == word:
                parts.append(_inner(at.right))
                at = at.left
            return f" {word} ".join((_inner(at), *reversed(parts)))
        case Binary(word=word, left=left, right=right):
            return f"{_inner(left)} {word} {_inner(right)}"
        case In(operand=operand, items=items):
            opening, closing = "()" if all(isinstance(item, Literal) for item in items) else "[]"
            return f"{_inner(operand)} in {opening}{','.join(map(text, items))}{closing}"
        case Items(items=items):
            return f"[{','.join(map(text, items))}]"
        case Members(members=members):
            return f"{{{','.join(f'{json.dumps(name)}:{text(value)}' for name, value in members)}}}"
        case Case(branches=branches):
            # The blank keeps two numbers from reading as a time of day.
            return f"case({','.join(f'{text(condition)} : {text(value)}' for condition, value in branches)})"


def _argument(node: Node) -> str:
    if isinstance(node, Members) and node.named:
        return ",".join(f"{name}={text(value)}" for name, value in node.members)
    return text(node)


def _inner(node: Node) -> str:
    return f"({text(node)})" if isinstance(node, Binary | In | Unary) else text(node)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
