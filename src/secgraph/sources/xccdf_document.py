"""An XCCDF document, of whose megabytes only what is needed is kept: read element by element, in any version of its name space.

Document types and entities are refused: no result of a scanner has them, and they are how XML is made to fetch or to swell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from secgraph.extend import Unusable

DEEPEST = 200
"""Levels of elements; Benchmarks nest their groups some ten deep."""

LONGEST = 4000
"""Characters kept of a text."""

MOST = 100_000
"""Results that are read of one document."""

XCCDF = "checklists.nist.gov/xccdf/"
FQDN = "urn:xccdf:fact:asset:identifier:fqdn"
NIST = "800-53"
"""What is in the address of a reference to SP 800-53. Others have numbers of the same shape that mean something else."""
_CCE = re.compile(r"CCE-\d{4,9}-\d", re.ASCII)
_NIST = re.compile(r"(?<![\w.-])[A-Z]{2}-\d{1,2}(?![\d-])(?: ?\(\d{1,2}\))?", re.ASCII)


@dataclass(slots=True)
class Rule:
    """What a Benchmark says of a rule."""

    severity: str = ""
    title: str = ""
    fix: str = ""
    nist: list[str] = field(default_factory=list)
    cce: list[str] = field(default_factory=list)
    """Numbers of the Common Configuration Enumeration."""


@dataclass(slots=True)
class Result:
    """What a run found of a rule."""

    rule: str
    severity: str
    result: str = ""
    message: str = ""


@dataclass(slots=True)
class Run:
    """A TestResult."""

    began: str
    ended: str
    host: str = ""
    fqdn: str = ""
    """The name that the facts of the target give it."""
    benchmark: str = ""
    results: list[Result] = field(default_factory=list)


@dataclass(slots=True)
class Document:
    """What is needed of a document."""

    benchmark: str = ""
    """The id of the Benchmark in it; empty where there is none."""
    rules: dict[str, Rule] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)


TEXTS = frozenset({"title", "fixtext", "ident", "reference", "target", "fact", "result", "message"})
"""Elements whose text is read."""


class _Stop(Exception):
    """What ends the reading."""


class _Reader:
    def __init__(self) -> None:
        self.document = Document()
        self._path: list[str] = []
        self._text: list[str] | None = None
        self._length = 0
        self._run: Run | None = None
        self._result: Result | None = None
        self._rule: Rule | None = None
        self._cites = False  # whether a reference is to SP 800-53
        self._names = False  # whether a fact is the name of the target
        self._count = 0

    def start(self, name: str, given: dict[str, str]) -> None:
        """An element begins."""
        space, _, tag = name.rpartition(" ")
        if len(self._path) >= DEEPEST:
            raise _Stop("nested too deep to be read")
        self._path.append(tag if XCCDF in space else "")
        if XCCDF not in space:
            return
        match tag:
            case "Benchmark":
                self.document.benchmark = self.document.benchmark or given.get("id", "")[:200]
            case "Rule" if self._run is None:
                self._rule = self.document.rules.setdefault(given.get("id", ""), Rule(given.get("severity", "").lower()))
            case "TestResult":
                self._run = Run(given.get("start-time", ""), given.get("end-time", ""))
                self.document.runs.append(self._run)
            case "benchmark" if self._run is not None:
                self._run.benchmark = (given.get("id") or given.get("href") or "").rpartition("/")[2][:200]
            case "rule-result" if self._run is not None:
                self._count += 1
                if self._count > MOST:
                    raise _Stop(f"more than {MOST} results")
                self._result = Result(given.get("idref", "").strip(), given.get("severity", "").lower())
            case "fact":
                self._names = given.get("name", "").strip() == FQDN
            case "reference":
                self._cites = NIST in given.get("href", "")
        if tag in TEXTS:
            self._text, self._length = [], 0

    def end(self, name: str) -> None:
        """It ends."""
        del name
        tag = self._path.pop()
        said = "" if self._text is None else " ".join("".join(self._text).split())[:LONGEST].replace("\x00", "\ufffd")
        inside = self._path[-1] if self._path else ""
        match tag:
            case "Rule":
                self._rule = None
            case "TestResult":
                self._run = None
            case "rule-result":
                if self._run is not None and self._result is not None and self._result.rule:
                    self._run.results.append(self._result)
                self._result = None
            case "target" if self._run is not None and inside == "TestResult":
                self._run.host = self._run.host or said[:255]
            case "fact" if self._run is not None and self._names and inside == "target-facts":
                self._run.fqdn = self._run.fqdn or said[:255]
            case "result" if self._result is not None and inside == "rule-result":
                self._result.result = said.lower()[:40]
            case "message" if self._result is not None and inside == "rule-result":
                self._result.message = said[:500]
            case "title" if self._rule is not None and inside == "Rule":
                self._rule.title = said
            case "fixtext" if self._rule is not None:
                self._rule.fix = said
            case "ident" if self._rule is not None and len(self._rule.cce) < MOST_NUMBERS and _CCE.fullmatch(said):
                self._rule.cce.append(said)
            case "reference" if self._rule is not None and self._cites:
                numbers = dict.fromkeys([*self._rule.nist, *(number.replace(" ", "") for number in _NIST.findall(said))])
                self._rule.nist = [*numbers][:MOST_NUMBERS]
        if tag in TEXTS:
            self._text = None

    def words(self, data: str) -> None:
        """Text between them."""
        if self._text is not None and self._length < LONGEST:
            self._text.append(data)
            self._length += len(data)


MOST_NUMBERS = 30


def read(data: bytes) -> Document:
    """What is needed of a document. Unusable where it is no XML, or has a document type or entities."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.words
    parser.StartDoctypeDeclHandler = _refused
    parser.EntityDeclHandler = _refused
    try:
        parser.Parse(data, True)
    except _Stop as reason:
        raise Unusable(str(reason)) from None
    except expat.ExpatError as reason:
        raise Unusable(f"not XML: {str(reason)[:200]}") from None
    except (LookupError, ValueError):
        raise Unusable("not XML: its encoding is unknown") from None
    return reader.document


def _refused(*_: object) -> None:
    raise _Stop("it has a document type or entities: no result of a scanner has these")
