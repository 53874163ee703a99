"""Regular expressions: which are taken, why others are not, and that none takes longer than its text."""

from __future__ import annotations

import time

import pytest

from secgraph.odata.pattern import LONGEST, MEMORY, matches, refused


@pytest.mark.parametrize(("pattern", "text", "found"), [
    ("", "", True), ("", "x", True), ("a", "bab", True), ("a", "bAb", False), ("^a", "ba", False), ("a$", "ba", True), ("^$", "", True), ("^$", "\n", False),
    ("a.c", "abc", True), ("a.c", "a\U0001f600c", True), ("a.c", "a\nc", False), ("^.$", "é", True),
    ("[abc]x", "cx", True), ("[^abc]x", "cx", False), ("[a-f0-9]+$", "00ff", True), ("[]a]", "]", True), ("[^]]", "]", False), ("[-a]", "-", True), ("[é-ü]", "ö", True),
    ("[\\]]", "]", True), ("[\\d_]+", "1_2", True), ("[.]", "x", False), ("10[.]0", "10.0", True), ("[=:]", ":", True), ("[:a]", "a", True), ("[^.]", ".", False), ("[(|]", "|", True), ("[[]", "[", True),
    ("(ab)+c", "ababc", True), ("(?:ab)+c", "ababc", True), ("cat|dog", "hotdog", True), ("^(cat|dog)$", "hotdog", False), ("(a|)b", "b", True),
    ("ab*c", "ac", True), ("ab+c", "ac", False), ("ab?c", "abc", True), ("a{2}$", "baa", True), ("^a{2,3}$", "aaaa", False), ("^a{2,}$", "aaaa", True),
    ("a*?b", "aab", True), ("a+?$", "a", True), ("a??b", "b", True), ("a{2,3}?", "aa", True),
    ("\\d", "5", True), ("\\d", "٣", False), ("\\w", "é", False), ("\\w", "_", True), ("\\s", "\t", True), ("\\s", "\u2003", False), ("\\D", "٣", True), ("\\W", "é", True), ("\\S", " ", False),
    ("\\.", "a", False), ("\\.", ".", True), ("\\\\", "\\", True), ("\\$", "$", True), ("\\(x\\)", "(x)", True), ("\\-", "-", True), ("\\_", "_", True), ("\\/", "/", True),
    ("C:\\\\Users\\\\.*\\.exe$", "C:\\Users\\bob\\a.exe", True), ("'", "it's", True), ("Straße", "STRASSE", False),
])  # fmt: skip
def test_what_is_taken(pattern: str, text: str, found: bool) -> None:
    assert refused(pattern) == ""
    assert matches(pattern, text) is found


@pytest.mark.parametrize(("pattern", "says"), [
    # would mean something else elsewhere, or nothing
    ("(a)\\1", "'\\1' is not read alike"), ("\\bcat", "'\\b' is not read alike"), ("\\Bcat", "'\\B'"), ("\\Acat", "'\\A'"), ("cat\\Z", "'\\Z'"), ("cat\\z", "'\\z'"), ("\\n", "'\\n'"),
    ("\\x41", "'\\x'"), ("\\u0041", "'\\u'"), ("\\p{L}", "'\\p'"), ("\\pL", "'\\p'"), ("\\Qa.b\\E", "'\\Q'"), ("\\C", "'\\C'"), ("\\0", "'\\0'"), ("\\k<a>", "'\\k'"),
    ("(?i)cat", "'(?'"), ("(?i:cat)", "'(?'"), ("(?=a)", "'(?'"), ("(?!a)", "'(?'"), ("(?<=a)b", "'(?'"), ("(?<!a)b", "'(?'"), ("(?P<n>a)", "'(?'"), ("(?<n>a)", "'(?'"), ("(?#x)", "'(?'"),
    ("(?>a)", "'(?'"), ("(?)", "'(?'"), ("[[:alpha:]]", "'[[:'"), ("[a[:digit:]]", "'[:'"), ("[[.a.]]", "'[.'"), ("[[=a=]]", "'[='"), ("[\\b]", "'\\b'"), ("[\\n]", "'\\n'"), ("[\\p{L}]", "'\\p'"),
    ("a\\", "'\\'"), ("\\", "'\\'"),
    # cannot be read at all
    ("(", "missing )"), ("a)", "unexpected )"), ("[a", "missing ]"), ("[", "missing ]"), ("[]", "missing ]"), ("[\\]", "missing ]"), ("*a", "no argument"), ("+", "no argument"), ("a**", "bad repetition"),
    ("a++", "bad repetition"), ("[z-a]", "range"), ("a{2,1}", "repetition size"), ("\\é", "escape"), ("\ud800", "half a character"), ("[\udfff]", "half a character"),
])  # fmt: skip
def test_what_is_refused(pattern: str, says: str) -> None:
    assert says in refused(pattern)


def test_a_pattern_is_of_bounded_length() -> None:
    assert refused("x" * LONGEST) == ""
    assert refused("x" * (LONGEST + 1)) == f"The pattern has {LONGEST + 1} characters; at most {LONGEST} are taken"
    assert refused("(" * 100_000).startswith("The pattern has 100000 characters")


@pytest.mark.parametrize("pattern", ["a{1001}", "(a{100}){100}", "((a{10}){10}){11}", "((((x{2}){9}){9}){9})"])
def test_repetitions_multiply_to_a_bound(pattern: str) -> None:
    assert "repetition size" in refused(pattern)


@pytest.mark.parametrize("pattern", [".{999}" * 20, "(\\W{500}){2}|" * 9 + "x", "[^é]{1000}" * 9])
def test_a_pattern_that_takes_too_much_memory(pattern: str) -> None:
    began = time.perf_counter()
    why = refused(pattern)
    assert time.perf_counter() - began < 2
    assert why == "The pattern cannot be read: pattern too large - compile failed", f"it would take more than {MEMORY} bytes"


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a*)*b", "(a|aa)+$", "(a|a)*b", "(.*)*x", "(a?){30}a{30}$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y"])
def test_time_grows_with_the_text_and_not_with_the_pattern(pattern: str) -> None:
    assert refused(pattern) == ""
    text = "a" * 100_000 + "!"
    began = time.perf_counter()
    assert not matches(pattern, text)
    assert time.perf_counter() - began < 2, "a reader that goes back would not be ready within the age of the earth"


def test_a_long_refusal_is_still_quick() -> None:
    began = time.perf_counter()
    for piece in ("[", "[[", "\\", "(?:", "[^]", "[\\]", "]["):
        refused((piece * LONGEST)[:LONGEST])
    assert time.perf_counter() - began < 2
