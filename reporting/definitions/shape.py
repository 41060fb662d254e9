"""Turns plain values into OpenSLO's structures, and tells every field that does not fit instead of the first.

What does not fit is left out, so that the rules can be asked about the rest. Null is as good as absent, as in
Kubernetes; only inside `metricSource.spec`, which belongs to the data source, it stays what it is.
"""

from __future__ import annotations

import difflib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import inspect

from reporting.definitions.findings import finding_at

if TYPE_CHECKING:
    from reporting.definitions.findings import Finding, Path
    from reporting.definitions.openslo import OpenSLO

_LEFT_OUT = object()
_WORDS = {
    inspect.StrType: "a text",
    inspect.BoolType: "true or false",
    inspect.DecimalType: "a number",
    inspect.IntType: "a whole number",
    inspect.DictType: "a mapping",
    inspect.ListType: "a list",
    inspect.StructType: "a mapping",
}
_UNLIKELY_NUMBER = 10**18


def shaped(value: Any, kind: type[OpenSLO]) -> tuple[OpenSLO, list[Finding]]:
    """Return the object as far as it fits, and a finding for each place where it does not."""
    findings: list[Finding] = []
    fitting = _fitting(value, inspect.type_info(kind), (), findings)
    return msgspec.convert({} if fitting is _LEFT_OUT else fitting, kind), findings


def _fitting(value: Any, wanted: inspect.Type, path: Path, findings: list[Finding]) -> Any:
    if isinstance(wanted, inspect.UnionType):
        return _one_of(value, wanted, path, findings)
    if isinstance(wanted, inspect.AnyType):
        return value
    if isinstance(wanted, inspect.StructType) and isinstance(value, dict):
        return _object(value, wanted, path, findings)
    if isinstance(wanted, inspect.ListType) and isinstance(value, list):
        members = [_fitting(member, wanted.item_type, (*path, i), findings) for i, member in enumerate(value)]
        # An empty object keeps the place of one that does not fit, so that the others keep theirs.
        return [{} if member is _LEFT_OUT else member for member in members]
    if isinstance(wanted, inspect.DictType) and isinstance(value, dict):
        return value
    if _is_scalar(value, wanted):
        return value
    findings.append(finding_at(path, "type", f"is {_expected(wanted)}, not {_seen(value)}"))
    return _LEFT_OUT


def _object(value: dict[str, Any], wanted: inspect.StructType, path: Path, findings: list[Finding]) -> dict[str, Any]:
    fields = {field.encode_name: field.type for field in wanted.fields}
    fitting: dict[str, Any] = {}
    for key, member in value.items():
        if key not in fields:
            nearest = difflib.get_close_matches(key, fields, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            findings.append(finding_at((*path, key), "unknown_field", f"OpenSLO has no field {key} here{hint}"))
        elif member is not None:
            fitted = _fitting(member, fields[key], (*path, key), findings)
            if fitted is not _LEFT_OUT:
                fitting[key] = fitted
    return fitting


def _one_of(value: Any, wanted: inspect.UnionType, path: Path, findings: list[Finding]) -> Any:
    others = [each for each in wanted.types if not isinstance(each, inspect.NoneType)]
    for each in others:
        if _is_scalar(value, each):
            return value
    if len(others) == 1:
        return _fitting(value, others[0], path, findings)
    words = " or ".join(_expected(each) for each in others)
    findings.append(finding_at(path, "type", f"is {words}, not {_seen(value)}"))
    return _LEFT_OUT


def _is_scalar(value: Any, wanted: inspect.Type) -> bool:
    if isinstance(wanted, inspect.StrType):
        return isinstance(value, str)
    if isinstance(wanted, inspect.BoolType):
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if isinstance(wanted, inspect.DecimalType):
        return isinstance(value, int | Decimal) and -_UNLIKELY_NUMBER < value < _UNLIKELY_NUMBER
    return isinstance(wanted, inspect.IntType) and isinstance(value, int)


def _expected(wanted: inspect.Type) -> str:
    return _WORDS.get(type(wanted), "something else")


def _seen(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) < 40 else "a text"  # noqa: PLR2004 - Enough to recognise it.
    return "null" if value is None else f"the number {value}"
