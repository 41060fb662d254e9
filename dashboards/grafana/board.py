"""A dashboard of one subject for one data source, as Grafana imports it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType

from dashboards.grafana.annotations import built_in, marks
from dashboards.grafana.drawing import draw
from dashboards.grafana.panel import Source
from dashboards.grafana.variables import choice, data_source

if TYPE_CHECKING:
    from dashboards.grafana.panel import Row
    from dashboards.grafana.variables import Variable

TAG = "slipstream"
_SHORT = {Source.PROMETHEUS: "prometheus", Source.POSTGRESQL: "postgresql"}
_LONG = {Source.PROMETHEUS: "Prometheus", Source.POSTGRESQL: "PostgreSQL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """`subject` is part of its name and its uid, which stay the same for ever: bookmarks and links hold them."""

    subject: str
    title: str
    about: str
    source: Source
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    time_range: str = "now-6h"

    @property
    def name(self) -> str:
        """Its name in `/dashboards/{name}.json`, and of its file."""
        return f"{self.subject}-{_SHORT[self.source]}"

    def built(self) -> dict[str, Any]:
        """Return it as the values of its JSON."""
        made: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True).encode(self._dashboard().build()))
        return made

    def _dashboard(self) -> dashboard.Dashboard:
        made = (
            dashboard.Dashboard(f"Slipstream · {self.title} ({_LONG[self.source]})")
            .uid(uid_of(self.subject, self.source))
            .description(self.about)
            .tags([TAG, _SHORT[self.source]])
            .timezone("browser")
            .tooltip(DashboardCursorSync.CROSSHAIR)
            .time(self.time_range, "now")
            .refresh("1m")
            .editable()
            .annotations([built_in(), marks(self.source)])
            .link(
                dashboard.DashboardLink("Slipstream")
                .type(DashboardLinkType.DASHBOARDS)
                .tags([TAG, _SHORT[self.source]])
                .icon("external link")
                .tooltip("The other dashboards, with the same time and choices.")
                .url("")
                .as_dropdown(True)
                .include_vars(True)
                .keep_time(True)
                .target_blank(False)
            )
            .with_variable(data_source(self.source))
        )
        for variable in self.variables:
            made = made.with_variable(choice(variable, self.source))
        number = 0
        for row in self.rows:
            number += 1
            made = made.with_row(dashboard.Row(row.title).id(number).collapsed(False))
            for panel in row.panels:
                number += 1
                made = made.with_panel(draw(panel, self.source, number))
        return made


def uid_of(subject: str, source: Source) -> str:
    """Return the uid of a dashboard."""
    return f"{TAG}-{subject}-{_SHORT[source]}"


def address_of(subject: str, source: Source, *choices: str) -> str:
    """Return where a dashboard is, with the time of this one and choices such as `var-slo=…`."""
    return f"/d/{uid_of(subject, source)}?" + "&".join([*choices, "${__url_time_range}"])
