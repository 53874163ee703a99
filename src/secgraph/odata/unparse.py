"""Nodes to text: the canonical spelling of an expression. Parsing it again gives equal nodes."""

from __future__ import annotations

from secgraph.odata.ast import Binary, Call, In, Lambda, Literal, Node, Path, Unary


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
        case Call(name=name, arguments=arguments):
            return f"{name}({','.join(map(text, arguments))})"
        case Lambda(path=path, word=word, variable=variable, body=body):
            inside = "" if variable is None or body is None else f"{variable}:{text(body)}"
            return f"{text(path)}/{word}({inside})"
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
            return f"{_inner(operand)} in ({','.join(map(_inner, items))})"


def _inner(node: Node) -> str:
    return f"({text(node)})" if isinstance(node, Binary | In | Unary) else text(node)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
