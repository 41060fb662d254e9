"""What is exported is read back as the same objects, by us and by others."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from reporting.definitions.export import export, plain
from reporting.definitions.load import load
from reporting.definitions.yaml_text import read
from tests.reporting.definitions.documents import CHECKOUT, CONDITION, POLICY, SERVICE, SLI, TARGET, yaml

if TYPE_CHECKING:
    from tests.reporting.definitions.documents import Plain

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40) | st.sampled_from(
    ["on", "5", "0x1f", "~", "2022-01-01", "a: b", "line\nline\n", "- x", "0.99", "'", '"', " # "]
)
names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize("value", [SLI, POLICY, CONDITION, TARGET, SERVICE, CHECKOUT], ids=lambda value: value["kind"])
def test_an_exported_object_says_what_was_written_and_no_more(value: Plain) -> None:
    valid = copy.deepcopy(value)
    if value is CONDITION:
        valid["spec"]["condition"]["op"] = "gt"
    if value is SLI:
        valid["spec"]["ratioMetric"] = CHECKOUT["spec"]["indicator"]["spec"]["ratioMetric"]
    known = load(yaml(CONDITION | {"spec": CONDITION["spec"]}, TARGET)).objects

    loaded = load(yaml(valid), known)

    if value is POLICY:
        assert [finding.code for finding in loaded.findings] == ["unknown_reference"] * len(loaded.findings)
        return
    assert loaded.findings == []
    (document,) = read(export(loaded.objects))
    assert document.value == read(yaml(valid))[0].value


@given(
    name=names,
    description=texts,
    labels=st.dictionaries(names, texts | st.lists(texts, max_size=3), max_size=3),
    annotations=st.dictionaries(names, texts, max_size=3),
    field=names,
    value=texts | st.booleans() | st.integers(-(10**9), 10**9) | st.decimals(-1000, 1000, places=3),
    target=st.integers(1, 999_999_999).map(lambda nines: Decimal(nines).scaleb(-9)),
)
def test_import_and_export_are_a_round_trip(
    name: str, description: str, labels: Plain, annotations: Plain, field: str, value: Any, target: Decimal
) -> None:
    given_slo = copy.deepcopy(CHECKOUT)
    given_slo["metadata"] = {"name": name, "displayName": description, "labels": labels, "annotations": annotations}
    given_slo["spec"]["description"] = description
    given_slo["spec"]["objectives"][0]["target"] = target
    given_slo["spec"]["indicator"]["spec"]["ratioMetric"] = {
        part: {
            "metricSource": {
                "type": "slipstream",
                "spec": {"source": "events", "filter": {f"payload.{field}": value} | more},
            }
        }
        for part, more in {"good": {"type": "a"}, "total": {}}.items()
    }
    loaded = load(yaml(given_slo))

    again = load(export(loaded.objects))

    assert again.objects == loaded.objects
    assert again.definitions == loaded.definitions
    assert export(again.objects) == export(loaded.objects)


def test_several_objects_are_documents_of_one_text() -> None:
    loaded = load(yaml(TARGET, SERVICE))

    text = export(loaded.objects)

    assert [document["kind"] for document in pyyaml.safe_load_all(text)] == ["AlertNotificationTarget", "Service"]
    assert text.startswith("---\napiVersion: openslo/v1\nkind: AlertNotificationTarget\nmetadata:\n  name: on-call")


def test_a_target_is_exported_as_it_was_written() -> None:
    text = yaml(CHECKOUT).replace("target: 0.99", "target: 0.9990")

    assert "target: 0.9990\n" in export(load(text).objects)


def test_the_fields_are_in_the_order_of_the_specification() -> None:
    (slo,) = load(yaml(CHECKOUT)).objects

    assert list(plain(slo)) == ["apiVersion", "kind", "metadata", "spec"]
    assert list(plain(slo)["spec"]) == [
        "service",
        "indicator",
        "timeWindow",
        "budgetingMethod",
        "objectives",
        "alertPolicies",
    ]
