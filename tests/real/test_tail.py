"""A file that grows when the server that reads it is killed, and is rotated before the next start: every line is there once."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from tests.real.conftest import Run, Server, Start, until

LIST = "/v1.0/security/alerts_v2"


def stored(server: Server) -> Counter[str]:
    found: Counter[str] = Counter()
    with server.client() as client:
        headers = server.token(client)
        url = f"{LIST}?$top=999&$select=title"
        while url:
            page = client.get(url, headers=headers).json()
            found.update(one["title"] for one in page["value"])
            url = page.get("@odata.nextLink", "")
    return found


def test_a_kill_neither_loses_nor_repeats_a_line(tmp_path: Path, start: Start, secgraph: Run) -> None:
    path = tmp_path / "wall.log"
    path.touch()
    server = start(tmp_path / "data", "--empty").ready()
    done = secgraph("source", "add", "cef", "--name", "wall", "--file", path, "--data", server.folder)
    assert done.returncode == 0, done.stderr
    assert until(lambda: "ListenerStarted" in server.said, server.process), server.said
    number = 0

    def write(count: int) -> None:
        nonlocal number
        with path.open("a") as file:
            file.write("".join(f"CEF:0|Acme|Wall|1.0|100|line {one}|5|msg=x\n" for one in range(number, number + count)))
        number += count

    write(100)
    assert until(lambda: bool(stored(server)), server.process), server.said
    for _ in range(30):
        write(20)
        time.sleep(0.01)
    server.process.kill()
    server.process.wait(30)
    for name in ("wall.log.2", "wall.log.1"):
        write(10)
        path.rename(path.with_name(name))
    write(10)
    server = start(server.folder, port=server.port).ready()
    wanted = Counter(f"line {one}" for one in range(number))
    # The lease of the process that was killed runs on for half a minute.
    assert until(lambda: stored(server) == wanted, seconds=60), wanted - stored(server)
