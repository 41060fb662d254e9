"""OpenSLO's own rules for what every object has, case by case as its SDK for Go tests them: path and code of every mistake.

Retyped from https://github.com/OpenSLO/go-sdk pkg/openslo/v1/objects_test.go (Apache-2.0). Where a case differs here
it says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reporting.definitions.load import check
from reporting.definitions.yaml_text import read
from tests.reporting.definitions.documents import (
    BY_REFERENCE,
    COMPOSITE,
    CONDITION,
    INLINE_CONDITION,
    INLINE_POLICY,
    INLINE_TARGET,
    POLICY,
    RAW,
    SERVICE,
    SLI,
    SLO,
    TARGET,
    THRESHOLD_SLI,
    THRESHOLD_SLO,
    changed,
    foreign,
    mistakes,
)

if TYPE_CHECKING:
    from tests.reporting.definitions.documents import (
        Plain,
    )


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(SLO, id="validRatioSLO"),
        pytest.param(THRESHOLD_SLO, id="validThresholdSLO"),
        pytest.param(BY_REFERENCE, id="validRatioSLOWithSLIRef"),
        pytest.param(changed(SLO, "spec", "alertPolicies", 0, to=INLINE_POLICY), id="inlined alert policy"),
        pytest.param(COMPOSITE, id="validCompositeSLOWithSLIRef"),
        pytest.param(changed(SLO, "spec", "alertPolicies"), id="no policies"),
        pytest.param(changed(SLO, "spec", "description", to="A" * 1050), id="description of 1050"),
        pytest.param(SLI, id="validGoodOverTotalSLI"),
        pytest.param(changed(SLI, "spec", "ratioMetric", to={"bad": foreign("b"), "total": foreign("t")}), id="bad"),
        pytest.param(changed(SLI, "spec", "ratioMetric", to=RAW), id="validRawSLI"),
        pytest.param(changed(SLI, "spec", "ratioMetric", to=RAW | {"rawType": "failure"}), id="rawType failure"),
        pytest.param(changed(SLI, "spec", to=THRESHOLD_SLI["spec"]), id="validThresholdSLI"),
        pytest.param(POLICY, id="validAlertPolicy"),
        pytest.param(changed(POLICY, "spec", "conditions", 0, to=INLINE_CONDITION), id="inline condition"),
        pytest.param(changed(POLICY, "spec", "notificationTargets", 0, to=INLINE_TARGET), id="inline target"),
        pytest.param(changed(POLICY, "spec", "alertWhenNoData", to=True), id="all alert triggers"),
        pytest.param(CONDITION, id="validAlertCondition"),
        pytest.param(TARGET, id="validAlertNotificationTarget"),
        pytest.param(SERVICE, id="validService"),
    ],
)
def test_what_the_sdk_accepts_has_no_mistake(value: Plain) -> None:
    assert mistakes(value) == []


@pytest.mark.parametrize("base", [SLO, SLI, POLICY, CONDITION, TARGET, SERVICE], ids=lambda value: value["kind"])
def test_every_kind_has_a_version_and_a_name(base: Plain) -> None:
    wrong = changed(base, "apiVersion", to="v0.1")
    long = {"name": "MY SERVICE" * 20, "displayName": "my-service" * 20}

    assert mistakes(wrong) == [("apiVersion", "equal_to")]
    assert mistakes(changed(base, "apiVersion")) == [("apiVersion", "required")]
    assert mistakes(changed(base, "metadata", to=long)) == [
        ("metadata.displayName", "string_max_length"),
        ("metadata.name", "string_dns_label"),
    ]
    assert mistakes(changed(base, "metadata")) == [("metadata.name", "required")]
    assert mistakes(changed(base, "spec", "description", to="A" * 1051)) == [("spec.description", "string_max_length")]


PREFIX = ".".join(["l" * 63] * 3)


@pytest.mark.parametrize("key", ["l" * 63, "net", "net_this.that-this", "net_.-this", "9net", "net9", "nEt"])
@pytest.mark.parametrize("value", ["this", "", ["this", "that"], []])
def test_labels_are_texts_or_lists_of_them(key: str, value: Any) -> None:
    assert mistakes(changed(SERVICE, "metadata", "labels", to={key: value})) == []


@pytest.mark.parametrize("key", ["l" * 64, "net_", "net.", "net-", "_net", "-net", ".net", ""])
def test_a_label_s_key_begins_and_ends_with_a_letter_or_number(key: str) -> None:
    (mistake,) = mistakes(changed(SERVICE, "metadata", "labels", to={key: "x"}))

    assert mistake[1] == "string_match_regexp"
    assert mistake[0].startswith("metadata.labels")


@pytest.mark.parametrize(
    "key",
    [
        "l" * 63,
        f"{PREFIX}/{'l' * 63}",
        "net",
        "9net",
        "nEt",
        "openslo.com/service",
        "domain/service",
        "domain.this.org/service.foo",
        "my-org.com/spec.indicator.metricSource",
    ],
)
def test_an_annotation_s_key_may_have_a_domain_before_it(key: str) -> None:
    assert mistakes(changed(SERVICE, "metadata", "annotations", to={key: "this"})) == []


@pytest.mark.parametrize(
    "key",
    [
        "l" * 64,
        "l" * 254 + "/net",
        "l" * 253 + "/" + "l" * 64,
        "l" * 254 + "/" + "l" * 63,
        *("net_", "net.", "net-", "_net", "-net", ".net"),
        "openslo.com/",
        *(f"{prefix}/service" for prefix in ("openslo.com!", "-openslo.com", "_openslo.com", ".openslo.com")),
        *(f"{prefix}/service" for prefix in ("openslo.com.", "openslo.com_", "openslo.com-", "openslo..this.com")),
        *(f"{prefix}/service" for prefix in ("openslo.-this.com", "openslo._this.com", "openslo.this..com")),
        *(f"{prefix}/service" for prefix in ("openslo.this-.com", "openslo.this_.com", "openslo_this.org")),
        "openslo_this.my-org.com/service",
    ],
)
def test_an_annotation_s_key_is_no_other_text(key: str) -> None:
    (mistake,) = mistakes(changed(SERVICE, "metadata", "annotations", to={key: ""}))

    assert mistake[1] == "string_match_regexp"
    assert mistake[0].removeprefix("metadata.annotations").strip(".[]'") == key.strip(".")


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        # https://github.com/OpenSLO/oslo test/inputs/validate: unknown-field.yaml, invalid-apiversion.yaml, v1.yaml.
        (
            "apiVersion: openslo/v1\nkind: Service\nmetadata:\n  name: my-rad service\nspec:\n  markdown: great\n",
            "unknown-field",
            # A spec that has only what is unknown has nothing.
            [("metadata.name", "string_dns_label"), ("spec.markdown", "unknown_field")],
        ),
        (
            (
                "apiVersion: foo\nkind: Service\nmetadata:\n  name: my-rad-service\n  displayName: My Rad Service\n"
                "spec:\n  description: This is a great description of an even better service.\n"
            ),
            "invalid-apiversion",
            [("apiVersion", "equal_to")],
        ),
        (
            "apiVersion: openslo/v1\nkind: Service\nmetadata:\n  name: example service\nspec:\n  description: x\n",
            "v1",
            [("metadata.name", "string_dns_label")],
        ),
    ],
)
def test_files_of_the_oslo_command(text: str, name: str, expected: list[tuple[str, str]]) -> None:
    assert sorted((finding.path, finding.code) for finding in check(read(text)[0].value)) == expected
