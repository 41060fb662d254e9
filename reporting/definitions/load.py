"""Reads a text of OpenSLO objects: what it says, what it comes to, and everything that is wrong with it.

1. YAML becomes plain values; a document is an object, or a list of them.
2. Each object is brought into shape, and OpenSLO's own rules are asked (the findings of its SDK for Go).
3. Objects that passed are looked up by those that refer to them, and built; what Slipstream does not do is refused.
4. What was built is linted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reporting.definitions import openslo
from reporting.definitions.alert_rules import check_condition_spec, check_policy_spec, check_target_spec
from reporting.definitions.build import build
from reporting.definitions.build_indicator import build_indicator
from reporting.definitions.build_policy import build_condition, build_policy
from reporting.definitions.findings import DefinitionError, FindingSeverity, finding_at
from reporting.definitions.installation import UNKNOWN
from reporting.definitions.lints import lint
from reporting.definitions.metadata_rules import check_object
from reporting.definitions.references import Library, inlined_policy
from reporting.definitions.reporter import Reporter
from reporting.definitions.shape import shaped
from reporting.definitions.sli_rules import check_sli_spec
from reporting.definitions.slo_rules import check_slo_spec
from reporting.definitions.yaml_text import read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reporting.definitions.definition import Definition
    from reporting.definitions.findings import Finding, Path
    from reporting.definitions.installation import Installation
    from reporting.definitions.yaml_text import Document

_SPEC = ("spec",)


@dataclass(slots=True)
class Loaded:
    """The objects and definitions of a text, as far as they are without errors, and all findings in its order."""

    objects: list[openslo.OpenSLO] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity is FindingSeverity.ERROR]


@dataclass(slots=True)
class _Object:
    """An object on its way, and where it is in the text."""

    label: str
    document: Document
    root: Path
    value: openslo.OpenSLO | None
    findings: list[Finding]

    @property
    def broken(self) -> bool:
        return self.value is None or any(each.severity is FindingSeverity.ERROR for each in self.findings)


def load(text: str, known: Iterable[openslo.OpenSLO] = (), *, here: Installation = UNKNOWN) -> Loaded:
    """Read a text; `known` are objects applied before, which it may refer to, `here` is where it would be applied.

    Never raises for what the text says.
    """
    try:
        documents = read(text)
    except DefinitionError as error:
        return Loaded(findings=error.findings)
    objects = [each for number, document in enumerate(documents, 1) for each in _objects(document, number)]
    if not objects:
        return Loaded(findings=[finding_at((), "required", "there is no object in this text")])
    _check_names(objects)
    broken = [(type(each.value).__name__, each.value.metadata.name) for each in objects if each.value and each.broken]
    sound = [each.value for each in objects if each.value is not None and not each.broken]
    library = Library([*known, *sound], broken)
    loaded = Loaded()
    for each in objects:
        if each.value is not None and not each.broken:
            report = Reporter()
            definition = _build(each.value, library, report)
            if definition is not None:
                lint(definition, report, here)
                loaded.definitions.append(definition)
            each.findings += report.findings
        if each.value is not None and not each.broken:
            loaded.objects.append(each.value)
        loaded.findings += [_placed(finding, each) for finding in each.findings]
    return loaded


def validate(text: str, known: Iterable[openslo.OpenSLO] = ()) -> list[Finding]:
    """Return what is wrong with a text, in its order; it can be applied when none of it is an error."""
    return load(text, known).findings


def check(value: dict[str, Any]) -> list[Finding]:
    """Return what OpenSLO itself has against one object, given as plain values."""
    return _checked(value)[1]


def _objects(document: Document, number: int) -> list[_Object]:
    if not isinstance(document.value, list):
        return [_object(document, (), document.value, f"#{number}")]
    return [_object(document, (index,), each, f"#{number}[{index}]") for index, each in enumerate(document.value)]


def _object(document: Document, root: Path, value: Any, place: str) -> _Object:
    if not isinstance(value, dict):
        return _Object(place, document, root, None, [finding_at((), "type", "is an object with apiVersion, kind, …")])
    made, findings = _checked(value)
    name = made.metadata.name if made is not None else ""
    label = f"{value.get('kind')} {name}" if name else place
    return _Object(label, document, root, made, findings)


def _checked(value: dict[str, Any]) -> tuple[openslo.OpenSLO | None, list[Finding]]:
    report = Reporter()
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in openslo.KINDS:
        if report.required(kind, ("kind",)):
            known = ", ".join(openslo.KINDS)
            hint = " (Slipstream measures itself, there is nothing to connect to)" if kind == "DataSource" else ""
            report.error(("kind",), "unsupported", f"{kind} is not supported{hint}, only {known}")
        return None, report.findings
    made, misfits = shaped(value, openslo.KINDS[kind])
    check_object(made, report)
    _check_spec(made, report)
    unfit = [finding.parts for finding in misfits if finding.code == "type"]
    return made, misfits + [finding for finding in report.findings if not _follows(finding.parts, unfit)]


def _follows(path: Path, unfit: list[Path]) -> bool:
    """Say whether a rule fails only because a field that does not fit was left out."""
    return any(path[: len(each)] == each or path == each[:-1] for each in unfit)


def _check_spec(made: openslo.OpenSLO, report: Reporter) -> None:
    if isinstance(made, openslo.Service):
        report.description(made.spec.description, (*_SPEC, "description"))
    elif isinstance(made, openslo.AlertCondition):
        check_condition_spec(made.spec, _SPEC, report)
    elif made.spec == type(made.spec)():
        report.required(None, _SPEC)
    elif isinstance(made, openslo.SLO):
        check_slo_spec(made.spec, _SPEC, report)
    elif isinstance(made, openslo.SLI):
        check_sli_spec(made.spec, _SPEC, report)
    elif isinstance(made, openslo.AlertPolicy):
        check_policy_spec(made.spec, _SPEC, report)
    else:
        check_target_spec(made.spec, _SPEC, report)


def _check_names(objects: list[_Object]) -> None:
    seen: set[tuple[str, str]] = set()
    for each in objects:
        if each.value is None or not each.value.metadata.name:
            continue
        key = (type(each.value).__name__, each.value.metadata.name)
        if key in seen:
            each.findings.append(
                finding_at(("metadata", "name"), "duplicate_object", f"there is another {' '.join(key)} before")
            )
        seen.add(key)


def _build(made: openslo.OpenSLO, library: Library, report: Reporter) -> Definition | None:
    """Build an SLO; of the others only what can be wrong with them."""
    if isinstance(made, openslo.SLO):
        return build(made, library, report)
    if isinstance(made, openslo.SLI):
        build_indicator(made.metadata.name, made.spec, _SPEC, report)
    elif isinstance(made, openslo.AlertCondition):
        build_condition(made.spec, _SPEC, report)
    elif isinstance(made, openslo.AlertPolicy):
        spec = inlined_policy(made.spec, _SPEC, library, report)
        if spec is not None:
            by_reference = any(condition.condition_ref is not None for condition in made.spec.conditions)
            build_policy(made.metadata, spec, (), report, condition_report=Reporter() if by_reference else None)
    return None


def _placed(finding: Finding, place: _Object) -> Finding:
    return replace(finding, document=place.label, line=place.document.line((*place.root, *finding.parts)))
