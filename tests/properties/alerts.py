"""Alerts as no product would send them: every kind of member, nulls, all scripts, edges of time and of numbers."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from secgraph import clock
from secgraph.model.edm import EnumType, load

Record = dict[str, Any]

SPACE = "microsoft.graph.security"
MODEL = load()


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


POOL = [
    "", "a", "A", "b", "ab", "Ab", "aB ", "abc", "Straße", "STRASSE", "straSSe", "ß", "ẞ", "ss", "s", "İ", "i\u0307", "i", "I", "\u0131", "é", "e\u0301", "E",
    "it's", "''", "%", "a%", "_", "\\", "C:\\Temp\\a.EXE", "c:\\temp\\A.exe", '"', "日本", "\U0001d4b3", "ﬁ", "FI", "Σ", "ς", "\u03c3", "ŉ", "\u02bcn",
    "\u2028", "\t", "\x1f", "\ufffd", "\uffff", "\U0001f600", "null", "1", "10", "2", "ǰ", "ΐ", " a b ", "\u00a0x", "ΑΣ ας", "\u13a0", "\uab70",
    "a\nb", "10.0.0.5", "a-b_c d", "a\ue000b", "b\ue000",
]  # fmt: skip
SPELLINGS = [
    "5", "-7", "+3", " 12 ", "3.5", "1e3", "-0.25", "9223372036854775808", "99999", "1_0", "0x1", "inf", "NaN", "\u0663", "true", "FALSE", " true", "yes",
    "2026-01-31T21:00:00.5Z", "2026-01-31T21:00:00+02:00", "2026-01-31T21:00:00", "2026-01-31", "2026-02-30", "12:30", "12:30:15.25", "24:00",
    "PT1H30M", "-P1D", "P1DT0.5S", "P", "PT",
]  # fmt: skip
"""Texts that are the spelling of something else, or nearly."""

WORDS = st.sampled_from(POOL) | st.sampled_from(SPELLINGS) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=3)
BASE = 17_698_932_000_000_000
INSTANTS = st.sampled_from([
    BASE, BASE + 1, BASE + 9, BASE + 10, BASE + 9_999_999, BASE + clock.SECOND, BASE - 1, BASE - clock.DAY, BASE + clock.DAY, 0, -1,
    clock.ticks("0001-01-01") or 0, clock.ticks("9999-12-31T23:59:59.9999999Z") or 0,
]) | st.integers(BASE - 3, BASE + 3)  # fmt: skip
NUMBERS = st.sampled_from([0, 1, -1, 2, 5, 2**31 - 1, 2**53, 2**53 + 1, 10**17]) | st.integers(-3, 3)
REALS = st.sampled_from([0.0, -0.5, 0.1, 1.0, 2.5, 48.137, -122.3, 1e-9, 1e300]) | st.floats(-180, 180)


def enum(short: str) -> EnumType:
    found = MODEL.types[f"{SPACE}.{short}"]
    assert isinstance(found, EnumType)
    return found


def member(short: str) -> st.SearchStrategy[str]:
    return st.sampled_from(list(enum(short).members))


def draft(required: dict[str, st.SearchStrategy[Any]], optional: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Record]:
    return st.fixed_dictionaries(required, optional={name: st.none() | value for name, value in optional.items()})


COMMON: dict[str, st.SearchStrategy[Any]] = {
    "createdDateTime": INSTANTS.map(clock.text), "verdict": member("evidenceVerdict"), "remediationStatus": member("evidenceRemediationStatus"),
    "remediationStatusDetails": WORDS, "roles": st.lists(member("evidenceRole"), max_size=2), "tags": st.lists(WORDS, max_size=2),
}  # fmt: skip
ACCOUNT = draft({}, {"accountName": WORDS, "userPrincipalName": WORDS})


def item(short: str, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[Record]:
    return draft({"@odata.type": st.just(f"#{SPACE}.{short}")}, {**COMMON, **members})


EVIDENCE = st.one_of(
    item("userEvidence", userAccount=ACCOUNT),
    item("deviceEvidence", hostName=WORDS, riskScore=member("deviceRiskScore"), osBuild=NUMBERS,
         firstSeenDateTime=INSTANTS.map(clock.text), loggedOnUsers=st.lists(draft({}, {"accountName": WORDS}), max_size=2)),
    item("processEvidence", processId=NUMBERS, processCreationDateTime=INSTANTS.map(clock.text), userAccount=ACCOUNT,
         imageFile=draft({}, {"fileName": WORDS, "fileSize": NUMBERS})),
    item("ipEvidence", ipAddress=WORDS, location=draft({}, {"latitude": REALS, "countryName": WORDS})),
    item("kubernetesClusterEvidence", cloudResource=item("azureResourceEvidence", resourceId=WORDS) | item("amazonResourceEvidence")),
    item("containerEvidence", isPrivileged=st.booleans()), item("teamsMessageEvidence", isOwned=st.booleans()), item("alertEvidence"),
)  # fmt: skip
TEXTS = ("title", "description", "category", "threatFamilyName", "providerAlertId")
TEXT_COLUMNS = ("assignedTo", "incidentId")
MOMENTS = ("firstActivityDateTime", "lastActivityDateTime", "resolvedDateTime")
ENUMS = {"detectionSource": "detectionSource", "investigationState": "investigationState"}
ENUM_COLUMNS = {"severity": "alertSeverity", "status": "alertStatus", "serviceSource": "serviceSource",
                "classification": "alertClassification", "determination": "alertDetermination"}  # fmt: skip
ALERT = draft({}, {
    **dict.fromkeys((*TEXTS, *TEXT_COLUMNS), WORDS), **dict.fromkeys(("createdDateTime", *MOMENTS), INSTANTS.map(clock.text)),
    **{name: member(short) for name, short in (ENUMS | ENUM_COLUMNS).items()},
    "categories": st.lists(WORDS, max_size=2), "systemTags": st.lists(WORDS, max_size=2), "evidence": st.lists(EVIDENCE, max_size=3),
    "additionalData": draft({}, {
        "word": WORDS, "Word": WORDS, "number": NUMBERS | REALS, "flag": st.booleans(), "inner": draft({}, {"word": WORDS, "été": NUMBERS}),
        "mixed": WORDS | NUMBERS | st.booleans() | st.just([1]) | st.just({"a": 1}), "other": WORDS | NUMBERS | st.booleans() | st.just([1]),
    }),
})  # fmt: skip
