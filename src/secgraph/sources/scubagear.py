"""Results of CISA's ScubaGear, which checks a Microsoft 365 tenant against the SCuBA baselines: `ScubaResults_*.json`, and
`TestResults.json` of the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
from secgraph.sources.plain import every, plain

SHALL, SHOULD = 10.0, 5.0
"""What a requirement of the baseline is worth, and what a recommendation."""

RESULTS = {"pass": 1.0, "fail": 0.0}
WARNING = "warning"
"""What ScubaGear says of a recommendation that is not met, or of something it could not decide wholly."""

SERVICES = {
    "AAD": ("AAD", "Identity"), "DEFENDER": ("MDO", "Data"), "EXO": ("EXO", "Apps"), "POWERPLATFORM": ("PowerPlatform", "Apps"),
    "POWERBI": ("PowerBI", "Data"), "SHAREPOINT": ("SPO", "Data"), "TEAMS": ("Teams", "Apps"), "SECURITYSUITE": ("MDO", "Data"),
}  # fmt: skip
"""The middle of a policy's id: which service it is of, and in which category one stands that the catalogue does not know."""

UNTIMED = "no time of its own: the time of receipt is used"


class ScubaGear:
    """Reads what a run found of every policy."""

    name = "scubagear"
    framing: Framing = "whole"
    options = (
        Option("tenant", "The id of the Microsoft 365 tenant whose results are taken; those of another one are refused.", ""),
        Option("warning", "What a warning counts as where its original result does not say it: fail or pass.", "fail"),
    )

    def __init__(self, tenant: str = "", warning: str = "fail") -> None:
        self._tenant, self._warning = tenant, RESULTS[warning]

    def told(self, options: Options) -> ScubaGear:
        """The results of one tenant."""
        warning = options["warning"].strip().lower()
        if warning not in RESULTS:
            raise UsageError("warning: say fail or pass.")
        tenant = options["tenant"].strip().lower()
        if tenant and (len(tenant) > 100 or not tenant.isprintable()):
            raise UsageError("tenant: say the id of a tenant, as MetaData/TenantId of its results has it.")
        return ScubaGear(tenant, warning)

    def normalise(self, raw: Raw) -> Iterable[EvidenceDraft]:
        """What was found of each policy."""
        try:
            document = msgspec.json.decode(raw.data.removeprefix(b"\xef\xbb\xbf"))
        except RecursionError:
            raise Unusable("nested too deep to be read") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as reason:
            raise Unusable(f"not JSON: {str(reason)[:200]}") from None
        found = list(self._tests(document, raw) if isinstance(document, list) else self._results(document, raw))
        if not found:
            raise Unusable("no result of a policy in it: hand in ScubaResults_*.json, or TestResults.json")
        return found

    def _results(self, document: Any, raw: Raw) -> Iterator[EvidenceDraft]:
        """Those of `ScubaResults_*.json`."""
        about, results = part(part(document).get("MetaData")), part(part(document).get("Results"))
        if not results:
            raise Unusable("no Results in it: it is none of ScubaGear's files of results")
        tenant = text(about.get("TenantId")) or ""
        if self._tenant and tenant.lower() != self._tenant:
            whose = tenant[:80] or "no tenant at all"
            raise Unusable(
                f"results of {whose}, and this source takes those of {self._tenant[:80]}: hand them in to a source whose option"
                " tenant names it"
            )
        at = instant_of(about.get("TimestampZulu"))
        for product, groups in results.items():
            for group in every(groups):
                for control in every(group.get("Controls")):
                    yield from self._policy(control, product, at, raw)

    def _policy(self, control: Record, product: str, at: int | None, raw: Raw) -> Iterator[EvidenceDraft]:
        check = text(control.get("Control ID"))
        if check is None:
            return
        criticality = text(control.get("Criticality")) or ""
        yield EvidenceDraft(
            "scubagear", check, raw.received if at is None else at, self._share(control, criticality), scope=product[:200],
            details=plain(control.get("Details")), control=_described(check, plain(control.get("Requirement")), criticality),
            note=UNTIMED if at is None else "",
        )  # fmt: skip

    def _share(self, control: Record, criticality: str) -> float | None:
        if "/" in criticality:  # not implemented, or a third party's: it was not checked
            return None
        result = (text(control.get("Result")) or "").lower()
        if result == WARNING:
            original = (text(control.get("OriginalResult")) or "").lower()
            return RESULTS.get(original, self._warning)
        return RESULTS.get(result)

    def _tests(self, document: list[Any], raw: Raw) -> Iterator[EvidenceDraft]:
        """Those of `TestResults.json`, which say neither whose they are nor when they were made."""
        for test in every(document):
            check, met = text(test.get("PolicyId")), test.get("RequirementMet")
            if check is None:
                continue
            criticality = text(test.get("Criticality")) or ""
            known = isinstance(met, bool) and "/" not in criticality
            yield EvidenceDraft(
                "scubagear", check, raw.received, float(met) if known and isinstance(met, bool) else None,
                scope=_product(check), details=plain(test.get("ReportDetails")), control=_described(check, "", criticality),
                note=UNTIMED,
            )  # fmt: skip


def _product(check: str) -> str:
    """The product of a policy's id, as the results name it."""
    parts = check.split(".")
    return {"AAD": "AAD", "EXO": "EXO"}.get(word, word.capitalize()) if len(parts) > 1 and (word := parts[1].upper()) else "?"


def _described(check: str, requirement: str, criticality: str) -> ControlDraft:
    parts = check.upper().split(".")
    service, category = SERVICES.get(parts[1] if len(parts) > 1 else "", ("", "Apps"))
    most = SHALL if criticality.lower().startswith("shall") else SHOULD
    return ControlDraft((requirement or check)[:500], category, service, most)
