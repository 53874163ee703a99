"""The table of the older alert: that it speaks of every member, only of what exists, and the published words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from secgraph.model import legacy
from secgraph.model.choices import ALERTS, OLDER_ALERTS
from secgraph.model.edm import EnumType, Model, Property, StructType
from secgraph.odata.query import Choose, Const
from secgraph.odata.view import Shape, Source, view


def test_every_member_has_its_place(model: Model) -> None:
    assert set(legacy.ALERT) == set(model.struct("microsoft.graph.alert").properties)


def test_a_collection_is_made_of_items_and_nothing_else_is(model: Model) -> None:
    for name, item in model.struct("microsoft.graph.alert").properties.items():
        assert isinstance(legacy.ALERT[name], tuple) == item.collection, name


def choices(kind: Property, member: object) -> Iterator[tuple[str, Choose, EnumType]]:
    """Every choice among words of an enumeration, wherever it stands."""
    if isinstance(member, tuple):
        for source in member:
            assert isinstance(source, Source)
            yield from choices(kind, source.each)
    elif isinstance(member, Shape):
        assert isinstance(kind.type, StructType)
        for name, inner in member.members.items():
            yield from choices(kind.type.properties[name], inner)
    elif isinstance(member, Choose) and isinstance(kind.type, EnumType):
        yield kind.name, member, kind.type
        for _, inner in member.branches:
            yield from choices(kind, inner)


def test_only_declared_words_leave(model: Model) -> None:
    found = 0
    for name, member in view(OLDER_ALERTS).members.items():
        for where, choose, enum in choices(model.sets[OLDER_ALERTS].type.properties[name], member):
            assert choose.enum is enum
            assert all(isinstance(value, Const | Choose) for _, value in choose.branches), where
            words = [value.value for _, value in choose.branches if isinstance(value, Const)]
            assert {word for word in words if word is not None} <= set(enum.members), where
            found += 1
    assert found > 10


@pytest.mark.parametrize(("member", "stored"), [("status", "status"), ("severity", "severity"), ("feedback", "classification")])
def test_every_word_that_can_be_written_reads_back_the_same(model: Model, member: str, stored: str) -> None:
    words = legacy.ALERT[member]
    assert isinstance(words, legacy.Words)
    assert words.of == stored
    kinds = [model.sets[path].type.properties[name].type for path, name in ((ALERTS, stored), (OLDER_ALERTS, member))]
    assert isinstance(kinds[0], EnumType)
    assert isinstance(kinds[1], EnumType)
    assert set(words.words) <= set(kinds[0].members)
    assert set(words.words.values()) <= set(kinds[1].members)
    writes = view(OLDER_ALERTS).writes[member][1]
    assert writes is not None
    for older, word in writes.items():
        assert words.words[word] == older


@pytest.mark.parametrize(("extra", "tags", "rest"), [
    (None, [], None), ({}, [], {}), ({"a": 1}, [], {"a": 1}), ({legacy.TAGS: ["x"]}, ["x"], None), ({"a": 1, legacy.TAGS: ["x"]}, ["x"], {"a": 1}),
])  # fmt: skip
def test_tags_are_parted_from_what_they_stand_beside(extra: dict[str, object] | None, tags: list[str], rest: dict[str, object] | None) -> None:
    assert legacy.parted(extra) == (tags, rest)
    assert legacy.tagged(rest, tags) == extra


def test_every_published_keyword_is_there() -> None:
    assert {"Azure Advanced Threat Protection", "ASC", "MCAS", "IPC", "Azure Sentinel", "Microsoft Defender ATP"} <= set(
        legacy.KEYWORDS.values()
    )
    assert len(set(legacy.KEYWORDS.values())) == len(legacy.KEYWORDS)
