"""What somebody has noted on the time of a service."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class AnnotationKind(StrEnum):
    """What it is that happened."""

    DEPLOY = "deploy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One thing that happened, such as `checkout 2.3.1`."""

    annotation_id: str
    kind: AnnotationKind
    service: str
    at: datetime
    text: str
    author: str
    created_at: datetime
