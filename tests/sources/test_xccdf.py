"""What is read of XCCDF results beside the recorded ones."""

from __future__ import annotations

import time

import pytest

from secgraph.extend import EvidenceDraft, Raw
from secgraph.sources.xccdf import Xccdf

SPACE = 'xmlns="http://checklists.nist.gov/xccdf/1.2"'
NIST = "http://nist.example/NIST.SP.800-53r4.pdf"


def drafts(inside: str) -> list[EvidenceDraft]:
    return list(Xccdf().normalise(Raw(1, f'<Benchmark {SPACE} id="b">{inside}</Benchmark>'.encode(), None, 1)))


@pytest.mark.parametrize(("href", "text", "numbers"), [
    (NIST, "AC-6(1)", ["AC-6(1)"]), (NIST, "AC-6 (1)", ["AC-6(1)"]), (NIST, "CM-6(a)", ["CM-6"]), (NIST, "CM-5(6).1", ["CM-5(6)"]),
    (NIST, "AU-2(d), AU-12(c), AU-12.1 (iv)", ["AU-2", "AU-12"]), (NIST, "none", []), (NIST, "AU-123", []), (NIST, "", []),
    ("", "AC-6(1)", []), ("https://csf.example", "PR.AC-4", []), ("https://srg.example", "SRG-OS-000109-GPOS-00056", []),
    ("https://cci.example", "CCI-000366", []), (NIST, "SRG-OS-000109", []),
])  # fmt: skip
def test_which_references_are_controls_of_nist(href: str, text: str, numbers: list[str]) -> None:
    rule = f'<Rule id="r"><title>t</title><reference href="{href}">{text}</reference></Rule>'
    (found,) = drafts(f'{rule}<TestResult id="t"><target>h</target><rule-result idref="r"><result>pass</result></rule-result></TestResult>')
    assert found.control is not None
    assert [number for _, number in found.control.compliance] == numbers


def test_results_without_a_severity_take_no_longer_each_the_more_there_are() -> None:
    results = "".join(f'<rule-result idref="r{number}"><result>pass</result></rule-result>' for number in range(50_000))
    begun = time.process_time()
    assert len(drafts(f'<TestResult id="t"><target>h</target>{results}</TestResult>')) == 50_000
    assert time.process_time() - begun < 15, "looking through all of them for each takes minutes"


@pytest.mark.parametrize(("rule", "results", "points"), [
    ("high", ["low"], 8.0), ("", ["high"], 8.0), ("", ["", "medium"], 5.0), ("", [""], 1.0), ("unknown", ["high"], 1.0),
])  # fmt: skip
def test_whose_severity_counts(rule: str, results: list[str], points: float) -> None:
    listed = "".join(f'<rule-result idref="r" severity="{one}"><result>pass</result></rule-result>' for one in results)
    (found,) = drafts(f'<Rule id="r" severity="{rule}"/><TestResult id="t"><target>h</target>{listed}</TestResult>')
    assert found.control is not None
    assert found.control.max_score == points


@pytest.mark.parametrize(("target", "facts", "host"), [
    ("<target>h</target>", "fqdn", "h"), ("<target> </target>", "fqdn", "h.example"), ("", "fqdn", "h.example"), ("", "host_name", "unknown host"),
])  # fmt: skip
def test_whose_host_it_is(target: str, facts: str, host: str) -> None:
    fact = f'<fact name="urn:xccdf:fact:asset:identifier:{facts}" type="string">h.example</fact>'
    other = '<fact name="urn:xccdf:fact:asset:identifier:ipv4" type="string">192.0.2.1</fact>'
    run = f'{target}<target-facts>{other}{fact}{other}</target-facts><rule-result idref="r"><result>pass</result></rule-result>'
    (found,) = drafts(f'<TestResult id="t">{run}</TestResult>')
    assert (found.subject, found.scope) == (host, f"{host} b")
