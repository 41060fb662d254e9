"""The dashboards as Grafana reads them."""

from __future__ import annotations

import json
import re
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from app.cli.main import main
from dashboards.grafana import api
from dashboards.grafana.boards import boards
from dashboards.grafana.export import export
from reporting.definitions.load import load
from tests.dashboards.grafana.expansion import panels_of, used_variables

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.conftest import World

SLOS = Path(__file__).resolve().parents[3] / "slos"
SHIPPED = "\n---\n".join(path.read_text() for path in sorted(SLOS.glob("*.yaml")))
ADMIN = {"Authorization": "Bearer the-token-of-the-operator"}
WIDTH = 24

BUILT = {name: board.built() for name, board in boards(load(SHIPPED).definitions).by_name.items()}


@pytest.fixture(params=BUILT, scope="module")
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    return BUILT[request.param]


def texts_of(value: Any) -> list[str]:
    """Every text of a dashboard, but for what explains variables to people."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts_of(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts_of(each)]
    return [value] if isinstance(value, str) else []


def test_the_sdk_s_models_read_a_dashboard_back_to_the_same(dashboard: dict[str, Any]) -> None:
    register_default_plugins()
    # What the SDK has no fields for: how a data source's own annotations are asked and shown.
    known = json.loads(json.dumps(dashboard))
    for annotation in known["annotations"]["list"]:
        for field in ("target", "titleFormat", "textFormat", "tagKeys", "step"):
            annotation.pop(field, None)

    read = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(known)))

    assert read == known


def test_no_panel_overlaps_another_or_leaves_the_grid(dashboard: dict[str, Any]) -> None:
    places = [panel["gridPos"] for panel in dashboard["panels"]]

    assert all(place["x"] + place["w"] <= WIDTH and place["w"] > 0 and place["h"] > 0 for place in places)
    for one, other in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


def test_every_row_of_panels_is_as_wide_as_the_page_and_under_a_heading(dashboard: dict[str, Any]) -> None:
    lines: dict[int, list[dict[str, Any]]] = {}
    for panel in dashboard["panels"]:
        lines.setdefault(panel["gridPos"]["y"], []).append(panel)

    assert dashboard["panels"][0]["type"] == "row"
    for panels in lines.values():
        assert sum(panel["gridPos"]["w"] for panel in panels) == WIDTH, [panel["title"] for panel in panels]
        assert len({panel["gridPos"]["h"] for panel in panels}) == 1


def test_no_row_is_without_panels(dashboard: dict[str, Any]) -> None:
    kinds = [panel["type"] for panel in dashboard["panels"]]

    assert ("row", "row") not in pairwise(kinds)
    assert kinds[-1] != "row"


def test_every_panel_says_what_it_shows_in_which_unit_and_asks_for_it(dashboard: dict[str, Any]) -> None:
    for panel in panels_of(dashboard):
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["fieldConfig"]["defaults"]["noValue"]
        assert panel["targets"]
        assert all(target.get("expr") or target.get("rawSql") for target in panel["targets"])
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_nothing_is_stacked_and_a_gap_stays_a_gap(dashboard: dict[str, Any]) -> None:
    graphs = [panel for panel in panels_of(dashboard) if panel["type"] == "timeseries"]

    assert graphs
    for panel in graphs:
        custom = panel["fieldConfig"]["defaults"]["custom"]
        assert (custom["stacking"]["mode"], custom["spanNulls"]) == ("none", False)


def test_ids_are_unique_and_titles_are(dashboard: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in dashboard["panels"]]
    titles = [(panel["title"], panel["type"]) for panel in panels_of(dashboard)]

    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)


def test_every_variable_that_is_used_is_defined_and_defined_before_another_needs_it(dashboard: dict[str, Any]) -> None:
    variables = dashboard["templating"]["list"]
    defined = [variable["name"] for variable in variables]
    shown = {key: value for key, value in dashboard.items() if key != "templating"}
    used = {name for text in texts_of(shown) for name in used_variables(text)}

    assert defined[0] == "datasource"
    assert used <= set(defined)
    # A link hands the variables on, so one that only the next dashboard uses is of use too.
    for place, variable in enumerate(variables):
        needed = {name for text in texts_of(variable) for name in used_variables(text)}
        assert needed <= set(defined[:place]), variable["name"]


def test_every_data_source_is_the_one_that_is_chosen(dashboard: dict[str, Any]) -> None:
    chosen = {"type": dashboard["templating"]["list"][0]["query"], "uid": "${datasource}"}

    for panel in panels_of(dashboard):
        assert panel["datasource"] == chosen
        assert all(target["datasource"] == chosen for target in panel["targets"])


def test_incidents_or_firing_alerts_are_marked_on_every_graph(dashboard: dict[str, Any]) -> None:
    marks = dashboard["annotations"]["list"][1]

    assert marks["enable"]
    assert "ALERTS" in marks.get("expr", "") or "FROM incidents" in marks["target"]["rawSql"]


def test_uids_are_stable_and_links_lead_to_dashboards_that_exist() -> None:
    uids = {board["uid"] for board in BUILT.values()}
    led_to = {uid for text in texts_of(list(BUILT.values())) for uid in re.findall(r"/d/([\w-]+)", text)}

    assert uids == {f"slipstream-{name}" for name in api.NAMES}
    assert all(len(uid) <= 40 for uid in uids)  # Grafana's limit.
    assert led_to
    assert led_to <= uids


def test_the_same_slos_are_the_same_files(tmp_path: Path) -> None:
    definitions = load(SHIPPED).definitions
    export(definitions, tmp_path / "a")
    export(reversed(definitions), tmp_path / "b")

    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) == len(api.NAMES) + 3
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)


def test_what_is_provisioned_fits_the_dashboards(tmp_path: Path) -> None:
    export(load(SHIPPED).definitions, tmp_path)
    sources = yaml.safe_load((tmp_path / "provisioning/datasources/datasources.yaml").read_text())["datasources"]
    provider = yaml.safe_load((tmp_path / "provisioning/dashboards/dashboards.yaml").read_text())["providers"][0]
    asked = {board["templating"]["list"][0]["query"] for board in BUILT.values()}

    assert {source["type"] for source in sources} == asked
    assert "password" in sources[1]["secureJsonData"]
    assert provider["options"]["path"]


def test_an_slo_that_grafana_s_queries_cannot_count_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "slos.yaml").write_text(
        SHIPPED.replace("budgetingMethod: Occurrences", "budgetingMethod: RatioTimeslices\n  #", 1).replace(
            "- displayName: Answered", "- displayName: Answered\n      timeSliceWindow: 1m", 1
        )
    )

    done = CliRunner().invoke(
        main, ["dashboards", "export", str(tmp_path / "out"), "--definitions", str(tmp_path / "slos.yaml")]
    )

    assert done.exit_code == 0, done.output
    assert "8 dashboards" in done.stdout
    assert "availability is not in the dashboards for PostgreSQL: its budgeting method is" in done.stderr


def test_a_dashboard_is_for_operators(client: FlaskClient, world: World) -> None:
    of_alice = {"Authorization": f"Bearer {world.alice.key}"}

    assert client.get("/dashboards/overview-prometheus.json").status_code == 401
    assert client.get("/dashboards/overview-prometheus.json", headers=of_alice).status_code == 403
    assert client.get("/dashboards/overview-x.json", headers=ADMIN).status_code == 404


@pytest.mark.parametrize("name", api.NAMES)
def test_the_api_gives_what_the_export_writes(client: FlaskClient, name: str) -> None:
    assert client.put("/slos", data=SHIPPED, headers={**ADMIN, "Content-Type": "application/yaml"}).status_code == 200

    answer = client.get(f"/dashboards/{name}.json", headers=ADMIN)

    assert answer.get_json() == BUILT[name]
