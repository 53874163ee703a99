"""Reports of CISA ScubaGear: how a Microsoft 365 tenant fares against the SCuBA baselines, as evidence for the secure score."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from secgraph.errors import UsageError
from secgraph.extend import (
    ControlDraft,
    EvidenceDraft,
    Framing,
    Option,
    Options,
    Raw,
    Record,
    Unusable,
    instant_of,
    part,
    text,
)
from secgraph.sources.scubagear_text import plain

SCANNER = "scubagear"
PASSED, FAILED, WARNED = "pass", "fail", "warning"
SHALL, SHOULD = 10.0, 5.0
"""Points of a control that has to be met, and of one that is advised."""
LONGEST_ID, LONGEST_TITLE = 200, 300
SERVICES = {
    "AAD": ("Microsoft Entra ID", "Identity"),
    "DEFENDER": ("Microsoft Defender for Office 365", "Apps"),
    "EXO": ("Exchange Online", "Apps"),
    "POWERBI": ("Power BI", "Data"),
    "POWERPLATFORM": ("Power Platform", "Apps"),
    "SECURITYSUITE": ("Microsoft Defender for Office 365", "Apps"),
    "SHAREPOINT": ("SharePoint", "Data"),
    "TEAMS": ("Microsoft Teams", "Apps"),
}
"""Service and category by the product in a control's id."""
NEITHER = "hand in ScubaResults_*.json, or TestResults.json"
GUESSED = "the report does not say when it was made: the time of receipt is used"
_guid = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII).fullmatch
HOMELESS = "the report does not say of which tenant it is: that it is of the right one cannot be checked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One control of a report, in whichever form."""

    product: str
    check: str
    criticality: str
    result: str
    original: str
    """What the tool itself found, before an administrator's annotation."""
    title: str
    details: str
    more: str
    """Where the baseline says what to do."""


class ScubaGear:
    """Reads `ScubaResults_*.json`, and `TestResults.json`, which is a list."""

    name = SCANNER
    framing: Framing = "whole"
    options = (
        Option("warning", "what a warning counts as: fail or pass", FAILED),
        Option("tenant", "the id of the tenant whose reports these are: those of another are refused", ""),
    )

    def __init__(self, warning: str = FAILED, tenant: str = "") -> None:
        self._warning = warning
        self._tenant = tenant

    def told(self, options: Options) -> ScubaGear:
        """The same that takes warnings for what the options say, and reports of one tenant."""
        warning = options["warning"].strip().casefold()
        if warning not in {PASSED, FAILED}:
            raise UsageError(f"The option warning is '{warning[:40]}': say fail or pass.")
        return ScubaGear(warning, options["tenant"].strip().casefold())

    def normalise(self, raw: Raw) -> Iterable[EvidenceDraft]:
        """A draft for each control of the report; what was found before of its products is over."""
        report = decoded(raw.data)
        notes: list[str] = []
        at: int | None = None
        if isinstance(report, list):
            verdicts = list(_tested(report))
            if self._tenant:
                notes.append(HOMELESS)
        elif isinstance(report, dict) and isinstance(report.get("Results"), dict):
            metadata = part(report.get("MetaData"))
            of = (text(metadata.get("TenantId")) or "").strip()
            self._expect_tenant(of)
            if not self._tenant:
                notes.append(f"the report is of the tenant '{of[:60]}'; the option tenant lets in those of one only")
            at = instant_of(metadata.get("TimestampZulu"))
            verdicts = list(_assessed(report["Results"]))
        else:
            raise Unusable(f"no report of ScubaGear: {NEITHER}")
        if not verdicts:
            raise Unusable(f"no control is in it: {NEITHER}")
        if at is None:
            at, notes = raw.received, [*notes, GUESSED]
        # A control that a report names twice is what it says last.
        latest = {(one.product, one.check): one for one in verdicts}
        return [self._draft(one, at, ". ".join(notes)) for one in latest.values()]

    def _expect_tenant(self, of: str) -> None:
        if self._tenant and of.casefold() != self._tenant:
            said = f"the report is of the tenant '{of[:60]}', and this source takes those of '{self._tenant[:60]}'"
            if _guid(of):  # anything else is not put before a person to be run
                raise Unusable(f"{said}. If it belongs here: secgraph source change NAME -o tenant={of.casefold()}")
            raise Unusable(f"{said}: hand in one whose MetaData.TenantId is that")

    def _draft(self, one: Verdict, at: int, note: str) -> EvidenceDraft:
        return EvidenceDraft(
            scanner=SCANNER, check=one.check, at=at, share=self._share(one), scope=one.product, details=one.details,
            control=control_of(one), note=note,
        )  # fmt: skip

    def _share(self, one: Verdict) -> float | None:
        result = one.result
        if "/" in one.criticality:  # it cannot be checked, or a product of somebody else does it
            return None
        if result == WARNED:
            result = one.original if one.original in {PASSED, FAILED} else self._warning
        return 1.0 if result == PASSED else 0.0 if result == FAILED else None


def decoded(data: bytes) -> Any:
    """The JSON value of a file as PowerShell writes it: UTF-8 with or without a mark, or UTF-16; Unusable for anything else."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    try:
        return msgspec.json.decode(data.removeprefix(codecs.BOM_UTF8).rstrip(b"\x00"))
    except RecursionError:
        raise Unusable("nested too deep to be read") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as reason:
        raise Unusable(f"not JSON: {str(reason)[:150]}") from None


def _assessed(results: Record) -> Iterator[Verdict]:
    """The controls of ScubaResults."""
    for product, groups in results.items():
        for group in groups if isinstance(groups, list) else ():
            controls = part(group).get("Controls")
            for control in controls if isinstance(controls, list) else ():
                get = part(control).get
                check = _id(get("Control ID"))
                if check is None:
                    continue
                yield Verdict(
                    product[:LONGEST_ID].upper(), check, _word(get("Criticality")), _word(get("Result")),
                    _word(get("OriginalResult")), _said(get("Requirement")), _said(get("Details")),
                    text(part(group).get("GroupReferenceURL")) or "",
                )  # fmt: skip


def _tested(results: list[Any]) -> Iterator[Verdict]:
    """The controls of TestResults, which says only whether each is met: one that is advised and is not met is a warning."""
    for control in results:
        get = part(control).get
        check = _id(get("PolicyId"))
        met = get("RequirementMet")
        if check is None or not isinstance(met, bool):
            continue
        criticality = _word(get("Criticality"))
        unmet = FAILED if criticality == "shall" else WARNED
        product = check.split(".")[1].upper() if check.count(".") > 1 else check
        yield Verdict(product, check, criticality, PASSED if met else unmet, "", "", _said(get("ReportDetails")), "")


def _id(value: Any) -> str | None:
    found = text(value)
    return None if found is None or len(found) > LONGEST_ID else found.strip()


def _word(value: Any) -> str:
    return (text(value) or "")[:40].strip().casefold()


def _said(value: Any) -> str:
    found = text(value)
    return "" if found is None else plain(found)


def control_of(one: Verdict) -> ControlDraft:
    """What the report says of a control."""
    service, category = SERVICES.get(one.product, ("", "Apps"))
    return ControlDraft(
        title=one.title[:LONGEST_TITLE] or one.check, category=category, service=service or one.product,
        max_score=SHALL if one.criticality.startswith("shall") else SHOULD,
        action_url=one.more if one.more.startswith("https://") else "",
        compliance=(("CISA SCuBA", one.check),),
    )  # fmt: skip
