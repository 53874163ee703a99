"""Stages: a server over a database, and how it is cut off."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.real.faults import power
from tests.real.faults.cluster import Cluster
from tests.real.faults.server import Server
from tests.real.faults.stored import Rows, stored_in_database, stored_in_file


@dataclass(slots=True)
class Killed:
    """A server over its own SQLite file, killed."""

    server: Server

    def work(self) -> None:
        """Nothing but what the clients do."""

    def cut(self, chance: Random) -> None:
        """Kills the server: what it gave to the system is there."""
        del chance
        self.server.kill()

    def start(self) -> None:
        """Starts the server."""
        self.server.start()

    async def rows(self) -> Rows:
        """What stands in the file."""
        return await stored_in_file(self.server.folder / "secgraph.db")

    def close(self) -> None:
        """Kills what runs."""
        self.server.close()


@dataclass(slots=True)
class Pruned(Killed):
    """The same, and what is resolved is taken away while clients work."""

    file: Path

    def work(self) -> None:
        """Lets it be taken away."""
        self.file.touch()

    def cut(self, chance: Random) -> None:
        """Kills the server, and lets nothing be taken away while it is looked at."""
        Killed.cut(self, chance)
        self.file.unlink(missing_ok=True)


@dataclass(slots=True)
class PowerLost(Killed):
    """The same on a machine without power: what was not synced is gone, or some of it is there."""

    kept: Path
    lost: int = 0
    """Writes that were taken back."""

    def cut(self, chance: Random) -> None:
        """Kills the server, and takes back what was not synced; half of the times some blocks of it stay."""
        self.server.kill()
        self.lost += power.cut(self.kept, self.server.folder, chance, torn=chance.random() < 0.5)


@dataclass(slots=True)
class OnPostgres(Killed):
    """A server over a database of PostgreSQL, killed; the database goes on."""

    cluster: Cluster
    database: str = "postgres"

    async def rows(self) -> Rows:
        """What stands in the database."""
        return await stored_in_database(self.cluster.url(self.database))

    def close(self) -> None:
        """Ends the server and its database."""
        self.server.close()
        self.cluster.close()


@dataclass(slots=True)
class PostgresCut(OnPostgres):
    """The same, but it is PostgreSQL that ends, as in a crash. The server goes with it, or has to find it again."""

    def cut(self, chance: Random) -> None:
        """Stops PostgreSQL without a word to anybody; half of the times the server too."""
        self.cluster.stop("immediate")
        if chance.random() < 0.5:
            self.server.kill()

    def start(self) -> None:
        """Starts PostgreSQL, and the server where it does not run."""
        if not self.cluster.runs():
            self.cluster.start()
        if not self.server.runs():
            self.server.start()


def over(folder: Path, url: str, seal: str = "") -> Server:
    """A server whose settings name a database. All nodes of one database are given one `seal`."""
    data = folder / "data"
    data.mkdir(parents=True)
    (data / "secgraph.toml").write_text(f'database = "{url}"\nseal_key = "{seal or secrets.token_hex(32)}"\n')
    return Server(data)


def on_postgres(folder: Path, *, cut: bool = False, settings: dict[str, str] | None = None) -> OnPostgres:
    """A stage over PostgreSQL, on which the server is killed or (`cut`) PostgreSQL is. Close it."""
    cluster = Cluster(settings or {})
    cluster.start()
    return (PostgresCut if cut else OnPostgres)(over(folder, cluster.url("postgres")), cluster)


def killed(folder: Path) -> Killed:
    """A stage on which the server is killed. Close it."""
    return Killed(Server(folder / "data"))


def pruned(folder: Path) -> Pruned:
    """A stage on which a server is killed that takes away what is resolved. Close it."""
    file = folder / "prune"
    return Pruned(Server(folder / "data", faults=("--prune", str(file))), file)


def late(folder: Path) -> Killed:
    """A stage on which a server is killed that answers before it commits."""
    return Killed(Server(folder / "data", faults=("--late", str(folder / "data" / "quickstart.env"))))


def power_lost(folder: Path, *, synchronous: str = "") -> PowerLost:
    """A stage on which the power is cut off. With `synchronous` SQLite's connections sync as that says."""
    kept = folder / "kept"
    kept.mkdir()
    # Checkpoints come often, so that the power goes in the midst of them too.
    pragmas = ["wal_autocheckpoint=256", *([f"synchronous={synchronous}"] if synchronous else [])]
    return PowerLost(Server(folder / "data", faults=("--losing", str(kept), *(f"--pragma={one}" for one in pragmas))), kept)
