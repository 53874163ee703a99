"""Parameters beside the options (`$filter=severity eq @p&@p='high'`), put in the places where their names stand."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

from secgraph.model.edm import EntitySet, Model
from secgraph.odata import parse
from secgraph.odata.ast import Literal, Node, Path
from secgraph.odata.names import Names
from secgraph.odata.query import Operand

MOST_PARAMETERS = 200
"""Most places in one request where a parameter stands; those inside parameters count each time."""


class Parameters(Names):
    """Resolves the parameters of one request. `aliases` holds their texts by name, the `@` included, in lower case."""

    def __init__(self, of: EntitySet, model: Model, aliases: dict[str, str] | None = None) -> None:
        super().__init__(of, model)
        self.aliases = aliases or {}
        self._resolving: list[str] = []
        self._places = 0
        self._read = 0
        self._tall = 0

    @abstractmethod
    def operand(self, node: Node) -> Operand | Literal:
        """The value at a node."""

    def parameter(self, name: str, node: Path) -> Operand | Literal:
        """The value that a parameter beside the options stands for."""
        text, body, tall = self._said(name, node)
        self._resolving.append(name.lower())
        self._tall += tall
        outer, self.text = self.text, text
        try:
            found = self.operand(body)
        finally:
            self.text = outer
            self._tall -= tall
            self._resolving.pop()
        # A refusal that comes later speaks of the text in which the parameter stands.
        return replace(found, at=node.at) if isinstance(found, Literal) else found

    def listed(self, node: Node) -> Node:
        """The node, or the list that a parameter there stands for."""
        if not (isinstance(node, Path) and len(node.steps) == 1 and node.steps[0].startswith("@")):
            return node
        _, body, _ = self._said(node.steps[0], node)
        self._resolving.append(node.steps[0].lower())
        try:
            return self.listed(replace(body, at=node.at))
        finally:
            self._resolving.pop()

    def _said(self, name: str, node: Path) -> tuple[str, Node, int]:
        """The text of a parameter, what it says, and how many levels that has."""
        text = self.aliases.get(name.lower())
        if text is None:
            raise self.refuse(f"The parameter '{name[:60]}' is not given", node, f"Add &{name[:60]}=... to the address.")
        if name.lower() in self._resolving:
            raise self.refuse(f"The parameter '{name[:60]}' is made of itself", node)
        self._places += 1
        self._read += len(text)
        if self._places > MOST_PARAMETERS or self._read > parse.LONGEST:
            raise self.refuse("Too many or too long parameters", node, "Write what they stand for in their place.")
        body, tall = parse.measured(text)
        if self._tall + tall > parse.TALLEST:
            raise self.refuse(f"More than {parse.TALLEST} operators upon each other", node, "Flatten the expression.")
        return text, body, tall
