"""The words of CrowdStrike: states, times in each of their spellings, and the names of its API in those of its stream."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from secgraph.extend import instant_of, integer, moment

STATUSES: dict[str, tuple[str, str]] = {
    "new": ("new", "unknown"),
    "reopened": ("new", "unknown"),
    "in_progress": ("inProgress", "unknown"),
    "true_positive": ("resolved", "truePositive"),
    "false_positive": ("resolved", "falsePositive"),
    "ignored": ("resolved", "unknown"),
    "closed": ("resolved", "unknown"),
}
"""Status and classification."""

NATIVE = {
    "composite_id": "CompositeId",
    "aggregate_id": "AggregateId",
    "agent_id": "AgentId",
    "name": "Name",
    "display_name": "DisplayName",
    "description": "Description",
    "severity": "Severity",
    "severity_name": "SeverityName",
    "status": "Status",
    "resolution": "Resolution",
    "assigned_to_uid": "AssignedTo",
    "comments": "Comments",
    "created_timestamp": "CreatedAt",
    "timestamp": "timestamp",
    "start_time": "StartTime",
    "end_time": "EndTime",
    "process_start_time": "ProcessStartTime",
    "process_end_time": "ProcessEndTime",
    "local_process_id": "LocalProcessId",
    "tactic": "Tactic",
    "technique": "Technique",
    "technique_id": "TechniqueId",
    "mitre_attack": "MitreAttack",
    "objective": "Objective",
    "pattern_id": "PatternId",
    "pattern_disposition_description": "PatternDispositionDescription",
    "pattern_disposition_details": "PatternDispositionFlags",
    "falcon_host_link": "FalconHostLink",
    "filename": "FileName",
    "filepath": "FilePath",
    "cmdline": "CommandLine",
    "sha256": "SHA256String",
    "sha1": "SHA1String",
    "md5": "MD5String",
    "user_name": "UserName",
    "user_id": "UserId",
    "user_principal": "UserPrincipal",
    "logon_domain": "LogonDomain",
    "source_account_name": "SourceAccountName",
    "source_account_domain": "SourceAccountDomain",
    "source_account_object_sid": "SourceAccountObjectSid",
    "source_account_upn": "SourceAccountUpn",
    "source_endpoint_host_name": "SourceEndpointHostName",
    "source_endpoint_address_ip4": "SourceEndpointIpAddress",
    "ioc_type": "IOCType",
    "ioc_value": "IOCValue",
    "network_accesses": "NetworkAccesses",
    "dns_requests": "DnsRequests",
    "quarantined_files": "QuarantineFiles",
    "source_products": "SourceProducts",
}

FILETIME = (116_444_736_000_000_000, 200_000_000_000_000_000)
"""Ticks of 100 ns between 1601 and 1970; and a bound far ahead, which nanoseconds since 1970 lie beyond."""

FIRST_DAYS = 864_000_000_000 * 365
"""A time in 1970 stands for none."""


def ticks(value: Any) -> int | None:
    """An instant in ticks, of a text, or of seconds, milliseconds or a Windows file time by size; None for 0 and for 1970."""
    number = integer(value) if not isinstance(value, str) or value.isdigit() else None
    if number is not None and FILETIME[0] < number < FILETIME[1]:
        return number - FILETIME[0]
    found = instant_of(value if number is None else number)
    return None if found is None or found < FIRST_DAYS else found


def wire(value: Any) -> str | None:
    """The same in wire form."""
    found = ticks(value)
    return None if found is None else wire_of(found)


def first_of(*values: Any) -> str | None:
    """The first of them that is an instant, in wire form."""
    for value in values:
        if value is not None and (found := wire(value)) is not None:
            return found
    return None


@lru_cache(1024)  # a record names the same few instants in several members
def wire_of(instant: int) -> str | None:
    """An instant of ticks in wire form."""
    seconds = moment(instant // 10_000_000)
    return None if seconds is None else f"{seconds[:20]}{instant % 10_000_000:07}Z"
