"""Words of Prowler: what a severity is worth, and what its providers are called."""

from __future__ import annotations

POINTS = {"critical": 10.0, "high": 8.0, "medium": 5.0, "low": 2.0, "informational": 1.0}
"""Points of a control by the severity of its check."""
MIDDLE = "medium"
SEVERITIES = {1: "informational", 2: "low", 3: "medium", 4: "high", 5: "critical", 6: "critical"}
"""The numbers of the schema, where a finding has no word."""

PROVIDERS = {
    "aws": "AWS", "azure": "Azure", "gcp": "Google Cloud", "github": "GitHub", "kubernetes": "Kubernetes",
    "m365": "Microsoft 365", "microsoft365": "Microsoft 365",
}  # fmt: skip
