"""A delivery taken apart: every record with its own bytes, and none that cannot be read stops the others."""

from __future__ import annotations

import io
import json
import time
import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest

from secgraph.extend import AlertDraft, Framing, Raw
from secgraph.ingest.split import LONGEST_LINE, Piece, Unreadable, pieces

A, B, C = b'{"a":1}', b'{"b":2}', b'{"c":3}'
BOM = b"\xef\xbb\xbf"


class Json:
    name = "json"
    framing: Framing = "json"

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        pytest.fail(f"a delivery was only to be split, but {raw} was read")


class Lines(Json):
    framing: Framing = "lines"


class Wrapping(Json):
    def unwrap(self, value: Any) -> Iterable[Any] | None:
        return value["Records"] if isinstance(value, dict) and "Records" in value else None


def split(data: bytes, source: Json | None = None) -> list[Piece | Unreadable]:
    return list(pieces(io.BytesIO(data), source or Json(), 7))


def told(data: bytes, source: Json | None = None) -> list[tuple[int, Any]]:
    """Line and value of each record; `...` for one that cannot be read."""
    return [(one.line, ...) if isinstance(one, Unreadable) else (one.raw.line, one.raw.value) for one in split(data, source)]


ONE, TWO, THREE = {"a": 1}, {"b": 2}, {"c": 3}


@pytest.mark.parametrize(("data", "records"), [
    (b"", []), (b"\n\r\n  \n", []), (BOM, []), (BOM + b"\r\n", []),
    (A, [(1, ONE)]), (A + b"\n", [(1, ONE)]), (BOM + A, [(1, ONE)]), (b"\n\n" + A, [(3, ONE)]), (b"  " + A + b"  ", [(1, ONE)]),
    # an array, an object around a list, each however it is broken into lines
    (b"[]", []), (b"[ ]\n", []), (b"[" + A + b"," + B + b"]", [(1, ONE), (2, TWO)]), (BOM + b"[" + A + b"]", [(1, ONE)]),
    (b"[\n" + A + b",\n" + B + b"\n]\n", [(1, ONE), (2, TWO)]), (b"\n[" + A + b"\r\n,\r\n" + B + b"]", [(1, ONE), (2, TWO)]),
    (b'[1,null,"x"]', [(1, 1), (2, None), (3, "x")]), (b"[[" + A + b"]]", [(1, [ONE])]),
    (b'{"value":[' + A + b"," + B + b"]}", [(1, ONE), (2, TWO)]), (b'{"@odata.context":"x","value":[' + A + b"]}\n", [(1, ONE)]),
    (b'{\n "value" : [\n' + A + b"\n]\n}", [(1, ONE)]), (b'{"value":[]}', []), (b'{"value":5}', [(1, {"value": 5})]),
    (b'{"value":{"a":1}}', [(1, {"value": ONE})]), (b'{"x":{"value":[1]}}', [(1, {"x": {"value": [1]}})]),
    # one object over several lines
    (b'{\n "a":\n1\n}', [(1, ONE)]), (b'\r\n{\r\n"a": 1\r\n}\r\n', [(2, ONE)]), (b'{"a":{\n"value":[1]}\n}', [(1, {"a": {"value": [1]}})]),
    # one record a line
    (A + b"\n" + B, [(1, ONE), (2, TWO)]), (A + b"\r\n" + B + b"\r\n", [(1, ONE), (2, TWO)]), (BOM + A + b"\n" + B, [(1, ONE), (2, TWO)]),
    (A + b"\n\n \n" + B, [(1, ONE), (4, TWO)]), (b"\n" + A + b"\n" + B, [(2, ONE), (3, TWO)]),
    (A + b"\n" + b'{"value":[' + B + b"," + C + b"]}", [(1, ONE), (1, TWO), (2, THREE)]),
])  # fmt: skip
def test_records(data: bytes, records: list[tuple[int, Any]]) -> None:
    assert told(data) == records


@pytest.mark.parametrize(("data", "records"), [
    (A + b'\n{"b":\n' + C, [(1, ONE), (2, ...), (3, THREE)]), (A + b"\nnonsense\n" + C, [(1, ONE), (2, ...), (3, THREE)]),
    (A + b"\n" + b'{"b":2' + b"\n" + C + b"\n", [(1, ONE), (2, ...), (3, THREE)]), (A + b'\n{"b":NaN}\n' + C, [(1, ONE), (2, ...), (3, THREE)]),
    (A + b"\n" + B + b'\n{"c', [(1, ONE), (2, TWO), (3, ...)]), (A + b"\n" + b"{" * 5_000 + b"\n" + C, [(1, ONE), (2, ...), (3, THREE)]),
    (A + b'\n{"b":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n" + C, [(1, ONE), (2, ...), (3, THREE)]),
    # the first line: its end, its beginning or everything is missing, or something is wrong inside
    (b'{"a":1\n' + B + b"\n" + C, [(1, ...), (2, TWO), (3, THREE)]), (b"1}\n" + B + b"\n" + C, [(1, ...), (2, TWO), (3, THREE)]),
    (b"nonsense\n" + B + b"\n" + C, [(1, ...), (2, TWO), (3, THREE)]), (b'{"a":nope}\n' + B + b"\n" + C, [(1, ...), (2, TWO), (3, THREE)]),
    (b'{"a":"1}\n' + B + b"\n" + C, [(1, ...), (2, TWO), (3, THREE)]), (BOM + b'{"a":\n' + B, [(1, ...), (2, TWO)]),
    (b'"a\n' + B, [(1, ...), (2, TWO)]), (b"\x00\n" + B, [(1, ...), (2, TWO)]), (b"\n\n{\n" + B, [(3, ...), (4, TWO)]),
    # a document that is broken in one of its elements
    (b"[" + A + b',{"b":},' + C + b"]", [(1, ONE), (2, ...), (3, THREE)]), (b"[" + A + b",nope," + C + b"]", [(1, ONE), (2, ...), (3, THREE)]),
    (b'{"value":[' + A + b",nope," + C + b"]}", [(1, ONE), (2, ...), (3, THREE)]),
    (b"[" + A + b"," + b"[" * 5_000 + b"]" * 5_000 + b"," + C + b"]", [(1, ONE), (2, ...), (3, THREE)]),
    (b"[" + A + b',{"]":"[",}' + b"," + C + b"]", [(1, ONE), (2, ...), (3, THREE)]),
    # what was cut off on its way is one: the sender still has it, whole
    (b"[" + A + b"," + B, [(1, ...)]), (b"[" + A + b',{"b":"x', [(1, ...)]), (b'{"value":[' + A, [(1, ...)]),
    # nothing but a broken document
    (b"{", [(1, ...)]), (b"nope", [(1, ...)]), (b'{\n"a":\n', [(1, ...)]), (b"\xff\xfe{\x00}\x00", [(1, ...)]),
])  # fmt: skip
def test_one_that_cannot_be_read_does_not_stop_the_others(data: bytes, records: list[tuple[int, Any]]) -> None:
    assert told(data) == records


@pytest.mark.parametrize(("data", "value"), [
    (b'{"a":"x\x00y"}', "x\ufffdy"), (b'{"a":"x\\u0000y"}', "x\ufffdy"), (b'{"a":"\\ud800"}', "\ufffd"), (b'{"a":"\\udfff!"}', "\ufffd!"),
    (b'{"a":"\\ud83d\\ude00\\ud83d"}', "\U0001f600\ufffd"), (b'{"a":"\xff"}', "\ufffd"), (b'{"a":"Z\xf6e"}', "Z\ufffde"),
    (b'{"a":"\xed\xa0\x80"}', "\ufffd\ufffd\ufffd"),
])  # fmt: skip
@pytest.mark.parametrize("frame", [b"%b", b"[%b]", b'{"value":[%b]}', b"\n%b\n", b'{"z":1}\n%b'])
def test_what_no_store_can_hold_is_repaired_and_the_bytes_stay(data: bytes, value: str, frame: bytes) -> None:
    found = split(frame % data)[-1]
    assert isinstance(found, Piece)
    assert found.raw.value == {"a": value}
    assert found.repaired
    assert found.raw.data == data
    json.dumps(found.raw.value, ensure_ascii=False).encode()


def test_names_are_repaired_too() -> None:
    [found] = split(b'{"a\\u0000":{"\\ud800":1}}')
    assert isinstance(found, Piece)
    assert found.raw.value == {"a\ufffd": {"\ufffd": 1}}
    assert found.repaired


@pytest.mark.parametrize("data", [A, b'{"a":"\\ud83d\\ude00"}', '{"a":"Zoë\ufffd"}'.encode(), b'{"a":"\\\\u0000"}', b'{"a":1e5,"b":[null]}'])
def test_what_needs_no_repair_is_not_called_repaired(data: bytes) -> None:
    [found] = split(data)
    assert isinstance(found, Piece)
    assert not found.repaired
    assert found.raw.value == json.loads(data)


def test_each_record_keeps_its_own_bytes() -> None:
    odd = b'{ "a" :\t1.0e0, "a":"\\u005a" }'
    for data in (odd, b"[" + odd + b" , 5]", b'{"value": [ ' + odd + b"]}", odd + b"\r\n" + B):
        first = split(data)[0]
        assert isinstance(first, Piece)
        assert first.raw.data == odd
        assert first.raw.received == 7


def test_what_cannot_be_read_keeps_its_bytes_and_says_why() -> None:
    [_, broken, _] = split(A + b'\n  {"b": nope} \r\n' + C)
    assert isinstance(broken, Unreadable)
    assert broken.data.strip() == b'{"b": nope}'
    assert broken.reason.startswith("not JSON: ")


def test_numbers_keep_their_kind() -> None:
    [found] = split(b'{"a":[1,1.0,9007199254740993,18446744073709551616,1e400,-0,true]}')
    if isinstance(found, Piece):
        whole, real, exact, large, _, zero, truth = found.raw.value["a"]
        assert (type(whole), type(real), exact, large, zero, truth) == (int, float, 9_007_199_254_740_993, 2**64, 0, True)


def test_a_source_unwraps_its_own() -> None:
    assert told(b'{"Records":[{"a":1},{"b":2}]}', Wrapping()) == [(1, ONE), (2, TWO)]
    assert told(b'{"Records":[]}', Wrapping()) == []
    assert told(b'{"x":1}', Wrapping()) == [(1, {"x": 1})]
    assert told(b'{"value":[{"a":1}]}', Wrapping()) == [(1, ONE)]
    [found] = split(b'{"Records":["Zo\xc3\xab"]}', Wrapping())
    assert isinstance(found, Piece)
    assert json.loads(found.raw.data) == "Zoë"


# --- lines ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "records"), [
    (b"", []), (b"one", [(1, "one")]), (b"one\ntwo\n", [(1, "one"), (2, "two")]), (b"one\r\n\r\n \ntwo", [(1, "one"), (4, "two")]),
    (b"  one \n", [(1, "  one ")]), (b'{"a":1}\n[', [(1, '{"a":1}'), (2, "[")]), (b"a\x00b\nc\xffd\n", [(1, "a\ufffdb"), (2, "c\ufffdd")]),
    (b"one\x0btwo\x0cthree\xc2\x85\n", [(1, "one\x0btwo\x0cthree\x85")]),
])  # fmt: skip
def test_log_lines(data: bytes, records: list[tuple[int, Any]]) -> None:
    assert told(data, Lines()) == records


@pytest.mark.parametrize(("data", "is_repaired"), [(b"plain", False), (b"a\x00b", True), (b"a\xffb", True), ("a\ufffdb".encode(), False)])
def test_a_repaired_line_says_so_and_keeps_its_bytes(data: bytes, is_repaired: bool) -> None:
    [found] = split(data + b"\r\n", Lines())
    assert isinstance(found, Piece)
    assert found.raw.data == data
    assert found.repaired is is_repaired


# --- size ----------------------------------------------------------------------------------------------------------------


def test_a_line_of_32_megabytes_is_one_record() -> None:
    data = b'{"a":"' + b"x" * (LONGEST_LINE - 9) + b'"}'
    began = time.monotonic()
    found = told(B + b"\n" + data + b"\n" + C)
    assert [line for line, _ in found] == [1, 2, 3]
    assert found[0][1] == TWO
    assert len(found[1][1]["a"]) == LONGEST_LINE - 9
    assert found[2][1] == THREE
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("source", [Json(), Lines()], ids=["json", "lines"])
@pytest.mark.parametrize("before", [b"", B + b"\n"], ids=["first", "middle"])
def test_a_line_that_is_too_long_is_told_once_and_the_next_keeps_its_number(source: Json, before: bytes) -> None:
    data = b'{"a":"' + b"x" * (LONGEST_LINE + 1_000) + b'"}'
    found = split(before + data + b"\n" + C + b"\n", source)
    lines = [piece.raw.line if isinstance(piece, Piece) else piece.line for piece in found]
    lengths = [len(piece.raw.data if isinstance(piece, Piece) else piece.data) for piece in found]
    assert lines == [1, 2, 3][: 2 + bool(before)]
    assert lengths[-1] == len(C)


def test_nothing_of_a_large_array_is_lost_without_a_word() -> None:
    one = b'{"a":"' + b"x" * 2_000_000 + b'"}'
    found = split(b"[" + b",".join([one] * 40) + b"]")
    count, reasons = len(found), [piece.reason for piece in found if isinstance(piece, Unreadable)]
    assert count == 40 or any("large" in reason or "long" in reason for reason in reasons)


@pytest.mark.parametrize("data", [
    b'["' + b"x" * 4_000_000, b'["' + b"x" * 4_000_000 + b'",nope]', b'["' + b"\\x" * 2_000_000 + b'",nope]', b'{"a":"' + b"x" * 4_000_000,
    b'{"value":["' + b"x" * 4_000_000 + b'",nope]}',
], ids=["cut", "element", "escapes", "object", "wrapped"])  # fmt: skip
def test_a_broken_document_costs_a_few_times_its_size(data: bytes) -> None:
    tracemalloc.start()
    try:
        count = len(split(data))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count in {1, 2}
    assert peak < 20 * len(data)


def test_lines_are_read_as_they_are_needed() -> None:
    """A file of any length fits: the second record is not read before it is asked for."""

    class Stream(io.RawIOBase):
        asked = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            self.asked += 1
            line = A + b" " * (len(buffer) - len(A) - 1) + b"\n"
            buffer[: len(line)] = line
            return len(line)

    stream = Stream()
    reader = pieces(io.BufferedReader(stream, 1024), Json(), 0)
    for _ in range(10):
        next(reader)
    assert stream.asked < 20


@pytest.mark.parametrize("data", [
    b"[" * 200_000, b'{"value":' * 50_000, b'{"a":' * 50_000 + b"1", b'"' * 100_001, b"[" + b"," * 200_000, b"\\" * 100_000, b"[" + b'"\\' * 100_000,
    b'{"value":[' + b'{"a":"' * 50_000, b"{}\n" * 50_000, b"{\n" * 50_000, b"[{]" * 50_000, b'{"value"' * 50_000,
], ids=range(12))  # fmt: skip
def test_hostile_bytes_cost_little(data: bytes) -> None:
    began = time.monotonic()
    split(data)
    assert time.monotonic() - began < 3
