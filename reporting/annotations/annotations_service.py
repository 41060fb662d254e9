"""Annotations, as people and their tools make and take them back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from app.core.problems import FieldError, Problem, ProblemType
from reporting.alerts.silences_service import Name
from reporting.alerts.standing import new_id
from reporting.annotations import annotations_store
from reporting.annotations.annotation import Annotation, AnnotationKind

if TYPE_CHECKING:
    from app.core.database import Database

Words = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
_OLDEST = timedelta(days=400)
_AHEAD = timedelta(minutes=5)
"""Clocks of other machines are a little ahead."""


class NewAnnotation(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What happened to a service; without `at` it happens now."""

    kind: AnnotationKind
    service: Name
    text: Words
    at: datetime | None = None


class Annotations:
    """Thread-safe. Methods raise `DependencyError` and `Problem`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, wanted: NewAnnotation, now: datetime, *, by: str) -> Annotation:
        """Note something. Again, with the same time and words, it stays one."""
        at = wanted.at or now
        if at.tzinfo is None:
            raise _invalid("An instant has an offset, such as Z.")
        if not now - _OLDEST <= at <= now + _AHEAD:
            raise _invalid(f"It has happened, not more than {_OLDEST.days} days ago.")
        new = Annotation(
            annotation_id=new_id("ann"),
            kind=wanted.kind,
            service=wanted.service,
            at=at.astimezone(UTC),
            text=wanted.text,
            author=by,
            created_at=now,
        )
        with self._database.begin() as connection:
            return annotations_store.add(connection, new)

    def remove(self, annotation_id: str) -> None:
        """Take back what was noted."""
        with self._database.begin() as connection:
            if not annotations_store.remove(connection, annotation_id):
                raise Problem(ProblemType.NOT_FOUND, "There is no such annotation.")

    def page(
        self, *, service: str | None, since: datetime | None = None, until: datetime | None = None, limit: int
    ) -> list[Annotation]:
        """Return annotations of `[since, until)`, the last first."""
        with self._database.begin() as connection:
            return annotations_store.page(connection, service=service, since=since, until=until, limit=limit)


def _invalid(message: str) -> Problem:
    return Problem(ProblemType.INVALID_REQUEST, "The annotation is not valid.", (FieldError(message, field="at"),))
