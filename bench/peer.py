"""What a competent developer writes in an afternoon: FastAPI, SQLAlchemy's ORM, odata-query, uvicorn. For comparison only.

It has the columns and indexes that ours has, the document in a JSON column, answers that no model checks, sessions in FastAPI's
threads, and durable commits. It asks for no token, keeps no log of changes and knows no incidents. It runs in an
environment of its own (.venv-bench) and imports nothing of ours.

    peer.py load URL FILE                      makes the table and takes in a file of documents, one a line
    peer.py serve URL --port P --workers N     serves it
"""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import uvicorn
from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import JSONResponse, PlainTextResponse
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser
from odata_query.sqlalchemy import AstToSqlAlchemyOrmVisitor
from sqlalchemy import JSON, ColumnElement, DateTime, Engine, Index, create_engine, event, func, insert, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

BATCH = 1000
MOST = 1000
PATH = "/v1.0/security/alerts_v2"
CONTEXT = "https://localhost/v1.0/$metadata#security/alerts_v2"

Condition = Annotated[str | None, Query(alias="$filter")]
Top = Annotated[int, Query(alias="$top", ge=1, le=MOST)]
Skip = Annotated[int, Query(alias="$skip", ge=0)]


class Base(DeclarativeBase):
    """The tables."""


class Alert(Base):
    """An alert: what is searched in columns, and all of it as JSON."""

    __tablename__ = "alerts"
    id: Mapped[str] = mapped_column(primary_key=True)
    severity: Mapped[str]
    status: Mapped[str]
    serviceSource: Mapped[str | None]  # noqa: N815 -- the contract's word, as all of these
    classification: Mapped[str | None]
    determination: Mapped[str | None]
    incidentId: Mapped[str | None]  # noqa: N815
    assignedTo: Mapped[str | None]  # noqa: N815
    createdDateTime: Mapped[datetime] = mapped_column(DateTime(timezone=True))  # noqa: N815
    lastUpdateDateTime: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)  # noqa: N815
    firstActivityDateTime: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # noqa: N815
    doc: Mapped[dict[str, Any]] = mapped_column(JSON)
    __table_args__ = (
        Index("alerts_newest", "createdDateTime", "id"),
        Index("alerts_severity", "severity", "createdDateTime", "id"),
        Index("alerts_status", "status", "createdDateTime", "id"),
        Index("alerts_incident", "incidentId", "createdDateTime", "id"),
        Index("alerts_assigned", "assignedTo", "createdDateTime", "id"),
    )


TEXTS = ("id", "severity", "status", "serviceSource", "classification", "determination", "incidentId", "assignedTo")
MOMENTS = ("createdDateTime", "lastUpdateDateTime", "firstActivityDateTime")


def opened(url: str) -> Engine:
    """The database; SQLite with a write-ahead log, an fsync at each commit, and its file mapped: forty connections with
    a cache each would read it forty times.
    """
    engine = create_engine(url, pool_size=20, max_overflow=20)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _: Any) -> None:
            for words in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "mmap_size=30000000000"):
                connection.execute(f"PRAGMA {words}")

    return engine


def moment(text: str | None) -> datetime | None:
    """An instant; the contract writes seven digits, Python knows six."""
    return None if text is None else datetime.fromisoformat(text[:26] + "+00:00")


def row(document: dict[str, Any]) -> dict[str, Any]:
    """The columns of a document."""
    texts = {name: document.get(name) for name in TEXTS}
    return {**texts, **{name: moment(document.get(name)) for name in MOMENTS}, "doc": document}


def condition(text: str | None) -> ColumnElement[bool]:
    """A `$filter` as SQLAlchemy has it; 400 when it cannot be read."""
    if not text:
        return true()
    try:
        found: ColumnElement[bool] = AstToSqlAlchemyOrmVisitor(Alert).visit(ODataParser().parse(ODataLexer().tokenize(text)))
    except ODataException as fault:
        raise HTTPException(400, str(fault)) from None
    return found


def application() -> FastAPI:
    """What each worker serves."""
    app = FastAPI()
    session = sessionmaker(opened(os.environ["PEER_DATABASE"]), expire_on_commit=False)
    newest = Alert.createdDateTime.desc(), Alert.id.desc()

    @app.get(PATH)
    def find(where: Condition = None, top: Top = 100, skip: Skip = 0) -> JSONResponse:
        with session() as opened_session:
            asked = select(Alert.doc).where(condition(where)).order_by(*newest).offset(skip).limit(top)
            found = opened_session.scalars(asked).all()
        answer: dict[str, Any] = {"@odata.context": CONTEXT, "value": found}
        if len(found) == top:
            answer["@odata.nextLink"] = f"https://localhost{PATH}?$filter={quote(where or '')}&$top={top}&$skip={skip + top}"
        return JSONResponse(answer)

    @app.get(PATH + "/$count")
    def count(where: Condition = None) -> PlainTextResponse:
        with session() as opened_session:
            found = opened_session.scalar(select(func.count()).select_from(Alert).where(condition(where)))
        return PlainTextResponse(str(found))

    @app.get(PATH + "/{key}")
    def get(key: str) -> JSONResponse:
        with session() as opened_session:
            found = opened_session.get(Alert, key)
        if found is None:
            raise HTTPException(404)
        return JSONResponse({"@odata.context": CONTEXT, **found.doc})

    @app.patch(PATH + "/{key}")
    def change(key: str, members: dict[str, Any]) -> JSONResponse:
        if unknown := set(members) - {"status", "assignedTo", "classification", "determination"}:
            raise HTTPException(400, f"{', '.join(sorted(unknown))} cannot be changed")
        with session() as opened_session:
            found = opened_session.get(Alert, key, with_for_update=True)
            if found is None:
                raise HTTPException(404)
            stamp = datetime.now(UTC)
            for name, value in members.items():
                setattr(found, name, value)
            found.lastUpdateDateTime = stamp
            found.doc = {**found.doc, **members, "lastUpdateDateTime": f"{stamp:%Y-%m-%dT%H:%M:%S.%f}0Z"}
            opened_session.commit()
        return JSONResponse({"@odata.context": CONTEXT, **found.doc})

    @app.post(PATH, status_code=201)
    def add(document: dict[str, Any]) -> JSONResponse:
        try:
            with session.begin() as opened_session:
                opened_session.add(Alert(**row(document)))
        except IntegrityError:
            raise HTTPException(409, "there is such an alert") from None
        return JSONResponse({"@odata.context": CONTEXT, **document}, 201)

    return app


def load(url: str, file: Path) -> None:
    """Takes in a file, a thousand documents a transaction."""
    engine = opened(url)
    Base.metadata.create_all(engine)
    with file.open(encoding="utf-8") as lines, Session(engine) as session:
        while ahead := list(islice(lines, BATCH)):
            session.execute(insert(Alert), [row(json.loads(line)) for line in ahead])
            session.commit()


def main() -> None:
    """Loads or serves."""
    options = argparse.ArgumentParser()
    options.add_argument("verb", choices=("load", "serve"))
    options.add_argument("url")
    options.add_argument("file", type=Path, nargs="?")
    options.add_argument("--port", type=int)
    options.add_argument("--workers", type=int)
    given = options.parse_args()
    if given.verb == "load":
        load(given.url, given.file)
        return
    os.environ["PEER_DATABASE"] = given.url
    uvicorn.run("peer:application", factory=True, host="127.0.0.1", port=given.port, workers=given.workers,
                log_level="warning", access_log=False, backlog=2048, timeout_keep_alive=75)  # fmt: skip


if __name__ == "__main__":
    main()
