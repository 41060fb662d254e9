"""SLOs on this test's own database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.slo_composition import compose_slos

if TYPE_CHECKING:
    from app.core.database import Database
    from app.core.valkey import Valkey
    from app.slo_composition import SLOParts


@pytest.fixture
def parts(database: Database, valkey: Valkey) -> SLOParts:
    return compose_slos(database, valkey)
