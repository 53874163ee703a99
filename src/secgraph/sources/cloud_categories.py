"""Which category the controls of a cloud are of, by the service that is checked."""

from __future__ import annotations

IDENTITY = (
    "accessanalyzer", "account", "admincenter", "cognito", "directoryservice", "entra", "iam", "identitystore", "organizations",
    "rbac", "rolesanywhere", "sso",
)  # fmt: skip
DATA = (
    "athena", "backup", "bigquery", "cloudsql", "cloudstorage", "cosmosdb", "databricks", "dataproc", "dlm", "dms",
    "documentdb", "drs", "dynamodb", "ebs", "efs", "elasticache", "es", "fsx", "gcr", "glacier", "glue", "keyvault", "kms",
    "macie", "memorydb", "mysql", "neptune", "opensearch", "postgresql", "purview", "rds", "recovery", "redshift", "s3",
    "secretsmanager", "sharepoint", "sqlserver", "storage",
)  # fmt: skip
APPS = ("admin", "app", "exchange", "organization", "repository", "teams")
DEVICE = ("intune", "workspaces")
CATEGORIES = {
    **dict.fromkeys(IDENTITY, "Identity"), **dict.fromkeys(DATA, "Data"), **dict.fromkeys(APPS, "Apps"),
    **dict.fromkeys(DEVICE, "Device"),
}  # fmt: skip
"""What a service of a provider is about; any other is Infrastructure."""
ENCRYPTED = ("encrypt", "_cmk", "_kms", "backup")
"""What in the name of a check says that it is about data, whatever the service."""


def category_of(provider: str, service: str, check: str) -> str:
    """The category of a control."""
    known = CATEGORIES.get(service.casefold())
    if known is not None:
        return known
    if any(word in check.casefold() for word in ENCRYPTED):
        return "Data"
    return "Apps" if provider in {"m365", "microsoft365", "github"} else "Infrastructure"
