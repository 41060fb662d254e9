"""Whether a PostgreSQL keeps what it has committed, and has what this release needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.findings import State, judge
from app.core.migrate import schema_differences
from app.core.pools import api_connections, worker_pool_size
from app.core.schema_store import current_revision, head_revision
from app.core.server_store import server_facts

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.core.database import Database
    from app.core.findings import Finding
    from app.core.server_store import ServerFacts
    from app.core.settings import Settings

SUBJECT = "postgresql"
OLDEST = 150_000
TESTED = 180_000
"""As `server_version_num` writes versions."""


def check_database(database: Database, settings: Settings) -> list[Finding]:
    """Examine the server and the schema. Raises `DependencyError` when PostgreSQL cannot be asked."""
    with database.begin() as connection:
        facts = server_facts(connection)
        return [*_server(facts), _connections(facts, settings), *_schema(connection)]


def _server(facts: ServerFacts) -> list[Finding]:
    return [
        judge(
            subject=SUBJECT,
            name="version",
            good=facts.version_number >= TESTED,
            found=facts.version,
            reason="Tests run on 18; 15 is the oldest that has all that is used.",
            remedy="Upgrade to PostgreSQL 18.",
            otherwise=State.FAIL if facts.version_number < OLDEST else State.WARN,
        ),
        judge(
            subject=SUBJECT,
            name="fsync",
            good=facts.fsync == "on",
            found=facts.fsync,
            reason="An event leaves the queue once PostgreSQL has committed it: then it must be on disk.",
            remedy="Set fsync = on.",
        ),
        judge(
            subject=SUBJECT,
            name="full_page_writes",
            good=facts.full_page_writes == "on",
            found=facts.full_page_writes,
            reason="A page torn by a power cut cannot be repaired without it.",
            remedy="Set full_page_writes = on, unless the file system writes pages whole.",
        ),
        judge(
            subject=SUBJECT,
            name="synchronous_commit",
            good=facts.synchronous_commit != "off",
            found=facts.synchronous_commit,
            reason="Switched off, COMMIT answers before the transaction is on disk, and the queue forgets the event.",
            remedy="Set synchronous_commit = on, also for this role and this database.",
        ),
        judge(
            subject=SUBJECT,
            name="role",
            good=not facts.is_standby,
            found="standby" if facts.is_standby else "primary",
            reason="A standby stores nothing.",
            remedy="Let SLIPSTREAM_DATABASE_URL name the primary.",
        ),
        judge(
            subject=SUBJECT,
            name="encoding",
            good=facts.encoding == "UTF8",
            found=facts.encoding,
            reason="Events hold any text, which other encodings cannot store.",
            remedy="Create the database with ENCODING 'UTF8'.",
        ),
    ]


def _connections(facts: ServerFacts, settings: Settings) -> Finding:
    api, worker = api_connections(settings), worker_pool_size(settings)
    workers = max(0, facts.connections - api) // worker
    return judge(
        subject=SUBJECT,
        name="connections",
        good=workers > 1,
        found=f"{facts.connections}: an API ({api}) and {workers} workers ({worker} each)",
        reason="A pool that cannot be filled turns load into errors. One connection a process more is taken to migrate "
        "and to examine. Behind PgBouncer its own limits count instead.",
        remedy=f"Raise max_connections to at least {api + 2 * worker}, or lower SLIPSTREAM_API_POOL_SIZE, "
        "SLIPSTREAM_API_PROCESSES or SLIPSTREAM_WORKER_CONCURRENCY.",
        otherwise=State.WARN if workers else State.FAIL,
    )


def _schema(connection: Connection) -> list[Finding]:
    current, head = current_revision(connection), head_revision()
    ahead = (current or "") > (head or "")
    revision = judge(
        subject=SUBJECT,
        name="migrations",
        good=current == head,
        found=f"{current or 'none'} of {head}",
        reason="This release was written for its own schema.",
        remedy="Run this release's successor everywhere." if ahead else "Run slipstream migrate.",
        otherwise=State.WARN if ahead else State.FAIL,
    )
    if current != head:
        return [revision]
    differences = schema_differences(connection)
    agreement = judge(
        subject=SUBJECT,
        name="schema",
        good=not differences,
        found=f"{len(differences)} differences",
        reason="Somebody changed tables by hand: statements may fail, or not be what they seem.",
        remedy="Undo the change; the migrations say what it was before.",
        otherwise=State.WARN,
    )
    return [revision, agreement]
