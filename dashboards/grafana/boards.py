"""Every dashboard there is, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dashboards.grafana import prometheus_accounts, prometheus_ingestion, prometheus_overview, prometheus_slo
from dashboards.grafana.postgresql_accounts import ACCOUNTS
from dashboards.grafana.postgresql_ingestion import INGESTION
from dashboards.grafana.postgresql_overview import overview
from dashboards.grafana.postgresql_slo import slo_detail
from dashboards.grafana.slo_counts import counts, promises, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dashboards.grafana.board import Board
    from reporting.definitions.definition import Definition


@dataclass(frozen=True, slots=True)
class Boards:
    """Dashboards by name, and by name the SLOs that PostgreSQL's leave out, with the reason."""

    by_name: dict[str, Board]
    refused: dict[str, str]


def boards(definitions: Iterable[Definition]) -> Boards:
    """Return the dashboards with these SLOs in them."""
    every = sorted(definitions, key=lambda each: each.name)
    refused = {each.name: why for each in every if (why := refusal(each)) is not None}
    counted = [each for each in every if each.name not in refused]
    parts = {"promises": promises(counted), "counts": counts(counted)}
    made = (
        prometheus_overview.OVERVIEW,
        prometheus_slo.SLO_DETAIL,
        prometheus_ingestion.INGESTION,
        prometheus_accounts.ACCOUNTS,
        overview(parts),
        slo_detail(parts),
        INGESTION,
        ACCOUNTS,
    )
    return Boards({board.name: board for board in made}, refused)
