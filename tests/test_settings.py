"""Settings: flag over environment over file over default, and plain words for what cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from secgraph.errors import UsageError
from secgraph.settings import gather, table


def test_a_flag_wins_over_the_environment_that_over_the_file_that_over_the_default(tmp_path: Path) -> None:
    (tmp_path / "secgraph.toml").write_text("port = 1001\ntoken_seconds = 60\nallowed_hosts = ['a.example', 'B.example']\n")
    found = gather({"data": tmp_path, "port": "1003"}, {"SECGRAPH_PORT": "1002", "SECGRAPH_LOG_FORMAT": "json"})
    assert [found[name] for name in ("port", "log_format", "token_seconds", "log_level")] == [1003, "json", 60, "info"]
    assert found["allowed_hosts"] == ("a.example", "b.example")
    assert {name: found.origins[name] for name in ("port", "log_format", "token_seconds", "log_level")} == {
        "port": "--port",
        "log_format": "SECGRAPH_LOG_FORMAT",
        "token_seconds": str(tmp_path / "secgraph.toml"),
        "log_level": "default",
    }


@pytest.mark.parametrize(
    ("flags", "environment", "says"),
    [
        ({"port": "0"}, {}, "'port' (--port) must be a port from 1 to 65535"),
        ({"port": "x"}, {}, "'port' (--port) must be a port"),
        ({}, {"SECGRAPH_QUERY_SECONDS": "-1"}, "'query_seconds' (SECGRAPH_QUERY_SECONDS) must be a number above 0"),
        ({}, {"SECGRAPH_QUERY_SECONDS": "nan"}, "must be a number above 0"),
        ({"public_url": "graph.example.org"}, {}, "must be an origin"),
        ({"public_url": "https://graph.example.org/base"}, {}, "without a path"),
        ({"log_format": "xml"}, {}, "must be one of plain, json"),
        ({"tls_cert": "c.pem"}, {}, "belong together"),
        ({"allow_plain_http": "perhaps"}, {}, "must be true or false"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(
    tmp_path: Path, flags: dict[str, Any], environment: dict[str, str], says: str
) -> None:
    with pytest.raises(UsageError) as refused:
        gather({"data": tmp_path, **flags}, environment)
    assert says in str(refused.value)


@pytest.mark.parametrize("line", ["prot = 1", "port = ", "port = true"])
def test_a_bad_line_of_the_file_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "secgraph.toml").write_text(line)
    with pytest.raises(UsageError, match=r"secgraph\.toml"):
        gather({"data": tmp_path}, {})


def test_the_table_has_every_setting_with_its_origin(tmp_path: Path) -> None:
    rows = table(gather({"data": tmp_path}, {}))
    assert [row[0] for row in rows][:3] == ["data", "database", "host"]
    assert all(row[2] and row[3] for row in rows)


def test_the_password_of_a_database_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "address").write_text("postgresql://secgraph:hidden@db.example.org/secgraph\n")
    settings = gather({"data": tmp_path, "database": f"@{tmp_path / 'address'}"}, {})
    assert settings["database"] == "postgresql://secgraph:hidden@db.example.org/secgraph"
    [row] = [row for row in table(settings) if row[0] == "database"]
    assert row[1] == "postgresql://secgraph:***@db.example.org/secgraph"


@pytest.mark.parametrize("text", ["mysql://u@h/d", "secgraph.db", "postgresql://h", "postgresql://h/"])
def test_what_is_no_address_of_a_database_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="database"):
        gather({"data": tmp_path, "database": text}, {})
