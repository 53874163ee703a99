"""Errors in the contract's shape: `{"error": {"code", "message", "innerError"}}`, on every path."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from secgraph.errors import OAuthRefusal, Refusal


def envelope(code: str, message: str, *, request_id: str, client_request_id: str) -> bytes:
    """The error body. `date` carries neither zone nor fraction, as published."""
    return json.dumps({"error": {
        "code": code,
        "message": message,
        "innerError": {
            "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request_id,
            "client-request-id": client_request_id,
        },
    }}).encode()  # fmt: skip


def refusal(fault: Refusal, *, request_id: str, client_request_id: str) -> bytes:
    """The body that tells a refusal."""
    return envelope(fault.code, str(fault), request_id=request_id, client_request_id=client_request_id)


def oauth(fault: OAuthRefusal, *, request_id: str, client_request_id: str) -> bytes:
    """The body of a refused token request, in the identity platform's shape."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    body: dict[str, Any] = {
        "error": fault.error,
        "error_description": f"AADSTS{fault.number}: {fault.message}\r\nTrace ID: {request_id}\r\n"
                             f"Correlation ID: {client_request_id}\r\nTimestamp: {now}",
        "error_codes": [fault.number],
        "timestamp": now,
        "trace_id": request_id,
        "correlation_id": client_request_id,
    }  # fmt: skip
    return json.dumps(body).encode()
