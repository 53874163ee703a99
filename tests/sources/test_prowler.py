"""What a finding of Prowler is about: two resources are two, whatever their products call them."""

from __future__ import annotations

from typing import Any

import pytest

from secgraph.extend import Raw
from secgraph.sources.prowler import Prowler

ARN, PATH = "arn:aws:s3:::shop", "/subscriptions/s-1/resourceGroups/g"


def subjects(record: dict[str, Any]) -> list[str]:
    return [one.subject for one in Prowler().normalise(Raw(1, b"", record, 1))]


@pytest.mark.parametrize(("account", "region", "resources", "expected"), [
    ("s-1", "global", [{"uid": "AppInsights", "region": "global"}], ["s-1/AppInsights"]), ("s-2", "global", [{"uid": "AppInsights", "region": "global"}], ["s-2/AppInsights"]),
    ("1", "eu-west-1", [{"uid": "main"}], ["1/eu-west-1/main"]), ("1", "eu-west-1", [{"uid": "main", "region": "eu-north-1"}], ["1/eu-north-1/main"]),
    ("1", "eu-west-1", [{"uid": ARN}], [ARN]), ("1", "eu-west-1", [{"uid": PATH}], [PATH]), ("1", "eu-west-1", [{"uid": ARN}, {"uid": "b"}], [ARN, "1/eu-west-1/b"]),
    ("1", "eu-west-1", [{"name": "main"}], ["1/eu-west-1/main"]), ("1", "eu-west-1", [{"uid": "1"}], ["1"]), ("1", "", [{}], ["1"]), ("1", "", [], ["1"]), (None, None, [{"uid": "main"}], ["main"]), (None, None, [], [""]),
])  # fmt: skip
def test_what_was_checked(account: Any, region: Any, resources: list[Any], expected: list[str]) -> None:
    record = {"metadata": {"event_code": "c", "product": {"name": "Prowler"}}, "status_code": "FAIL", "class_uid": 2004,
              "cloud": {"account": {"uid": account}, "region": region}, "resources": resources}  # fmt: skip
    assert subjects(record) == expected


@pytest.mark.parametrize(("more", "expected"), [
    ({"ResourceArn": ARN, "ResourceId": "shop"}, ARN), ({"ResourceId": "main"}, "1/eu-west-1/main"), ({}, "1"), ({"Region": "global", "ResourceId": "main"}, "1/main"),
])  # fmt: skip
def test_what_version_3_checked(more: dict[str, Any], expected: str) -> None:
    assert subjects({"CheckID": "c", "Status": "PASS", "AccountId": "1", "Region": "eu-west-1", **more}) == [expected]
