"""What `reporting.reports_api` offers, as OpenAPI needs to hear it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from app.core.http.operations import JSON, Answer, Content, Operation, Parameter
from app.core.http.paging import AFTER
from app.core.problems import ProblemType
from reporting.alerts.paging import LIMIT
from reporting.reports.archive import Paper, State
from reporting.reports.archive_comparison import Comparison
from reporting.reports.delivery_recipients import MOST_RECIPIENTS
from reporting.reports.model import Kind, Report

TAG = "Reports"
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Recipients = Annotated[list[Annotated[str, Meta(max_length=320)]], Meta(max_length=MOST_RECIPIENTS)]


class NewReport(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which report to make: of a month `2026-10` or a week `2026-W43`, as the clocks of `timezone` have it.

    Without a period it is of the last one that is over, without a time zone in that of the installation. `paper` is that of
    its PDF. `again` makes a report that is there once more. `send` mails it to whoever subscribes to such reports.
    """

    kind: Kind
    period: Annotated[str, Meta(max_length=20)] | None = None
    timezone: Annotated[str, Meta(max_length=100)] | None = None
    service: Name | None = None
    account_id: Name | None = None
    tier: Name | None = None
    paper: Paper = Paper.A4
    send: bool = False
    again: bool = False


class NewSend(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """To whom to mail a report, with its PDF on this paper."""

    to: Annotated[Recipients, Meta(min_length=1)]
    paper: Paper = Paper.A4


class ReportView(Struct, frozen=True, kw_only=True):
    """How a report stands. `revision` counts up when it is made again; until then the one before it is served.

    `step` is what is being done, `reason` why it failed or what it lacks. `complete` says whether its period was over when it
    was made.
    """

    report_id: str
    revision: int
    kind: Kind
    period: str
    timezone: str
    service: str | None
    account_id: str | None
    tier: str | None
    papers: tuple[Paper, ...]
    state: State
    step: str
    reason: str
    requested_by: str
    ordered_at: datetime
    generated_at: datetime | None
    complete: bool | None


class ReportPage(Struct, frozen=True):
    """Some reports, the last to be ordered first; `next` is the `after` of the page behind, null on the last."""

    reports: list[ReportView]
    next: str | None


_VIEW: dict[str, Any] = {
    "report_id": "rpt_5f1c9a07d2e4b8360000",
    "revision": 1,
    "kind": "monthly",
    "period": "2026-10",
    "timezone": "Europe/Berlin",
    "service": "checkout",
    "account_id": None,
    "tier": None,
    "papers": ["a4"],
    "state": "queued",
    "step": "",
    "reason": "",
    "requested_by": "operator",
    "ordered_at": "2026-11-01T06:00:00Z",
    "generated_at": None,
    "complete": None,
}
_READY = {**_VIEW, "state": "ready", "generated_at": "2026-11-01T06:00:04Z", "complete": True}
_SCOPE = {"service": "checkout", "account_id": None, "tier": None}
_COMPARISON = {
    side: {
        "report_id": report_id,
        "title": "Service report: checkout",
        "scope": _SCOPE,
        "period": {
            "kind": "monthly",
            "name": name,
            "title": title,
            "timezone": "UTC",
            "start": f"{name}-01T00:00:00Z",
            "end": end,
            "until": end,
        },
    }
    for side, report_id, name, title, end in (
        ("before", "rpt_07d2e4b836005f1c9a00", "2026-09", "September 2026", "2026-10-01T00:00:00Z"),
        ("after", "rpt_5f1c9a07d2e4b8360000", "2026-10", "October 2026", "2026-11-01T00:00:00Z"),
    )
} | {
    "overview": [{"figure": "requests", "before": 38_613_156, "after": 41_160_116, "change": 2_546_960}],
    "promises": [
        {
            "slo": "availability",
            "name": "Checkout answers",
            "service": "checkout",
            "standing_before": "missed",
            "standing_after": "kept",
            "changes": [{"figure": "sli", "before": "0.9984", "after": "0.9996", "change": "0.0012"}],
        }
    ],
}
_ID = Parameter(
    name="report_id", where="path", about="The id of a report.", required=True, example="rpt_5f1c9a07d2e4b8360000"
)
_PAPER = Parameter(
    name="paper",
    where="query",
    about="The paper, one that the report was ordered on; the first of these unless it is said.",
    schema={"type": "string", "enum": [paper.value for paper in Paper]},
)
_FILE = {
    "ETag": "Changes with the content.",
    "Content-Disposition": "A name for the file.",
    "Last-Modified": "When the report was made.",
}
_BINARY = {"type": "string", "format": "binary"}
_UNCHANGED = Answer(status=304, about="It is the one that `If-None-Match` names.", headers={"ETag": _FILE["ETag"]})
_NOT_YET = "409 `conflict` while it is made for the first time, or when that failed, with the reason."

ORDER = Operation(
    summary="Order a report",
    about=(
        "Its id follows from kind, period, time zone and scope, so repeating this is safe: a report that is there is not made "
        "again, unless `again` says so or its period was not over then. With `send` or without, it is made by a worker, and "
        "`GET /reports/{report_id}` says how far it is."
    ),
    tag=TAG,
    body=(Content(shape=NewReport, example={"kind": "monthly", "period": "2026-10", "timezone": "Europe/Berlin"}),),
    answers=(
        Answer(
            status=202,
            about="It is ordered.",
            content=(Content(shape=ReportView, example=_VIEW),),
            headers={"Location": "Where to ask for it."},
        ),
    ),
    problems=(ProblemType.INVALID_REQUEST, ProblemType.CONFLICT),
)
LIST = Operation(
    summary="List reports",
    about="The last revision of each, the last to be ordered first.",
    tag=TAG,
    parameters=(
        Parameter(
            name="kind",
            where="query",
            about="Of this kind alone.",
            schema={"type": "string", "enum": [kind.value for kind in Kind]},
        ),
        Parameter(name="service", where="query", about="Of this service alone."),
        LIMIT,
        AFTER,
    ),
    answers=(
        Answer(
            status=200,
            about="A page.",
            content=(Content(shape=ReportPage, example={"reports": [_READY], "next": None}),),
        ),
    ),
    problems=(ProblemType.MALFORMED_REQUEST,),
)
GET = Operation(
    summary="Show how a report stands",
    tag=TAG,
    parameters=(_ID,),
    answers=(Answer(status=200, about="The report.", content=(Content(shape=ReportView, example=_READY),)),),
)
COMPARE = Operation(
    summary="Compare two reports",
    about="What has changed from the report `with` to this one: overall, and of each promise. " + _NOT_YET,
    tag=TAG,
    parameters=(
        _ID,
        Parameter(
            name="with",
            where="query",
            about="The id of the earlier report.",
            required=True,
            example="rpt_07d2e4b836005f1c9a00",
        ),
    ),
    answers=(Answer(status=200, about="The comparison.", content=(Content(shape=Comparison, example=_COMPARISON),)),),
    problems=(ProblemType.MALFORMED_REQUEST, ProblemType.CONFLICT),
)
SEND = Operation(
    summary="Send a report now",
    about="By mail, once to each address: its first page in the mail, its PDF attached. At once, or as soon as it is made.",
    tag=TAG,
    parameters=(_ID,),
    body=(Content(shape=NewSend, example={"to": ["mia@example.org"]}),),
    answers=(Answer(status=202, about="It will be sent.", content=(Content(shape=ReportView, example=_READY),)),),
    problems=(ProblemType.INVALID_REQUEST, ProblemType.CONFLICT),
)


def _download(what: str, content: Content, *parameters: Parameter, about: str = "") -> Operation:
    return Operation(
        summary=f"Get a report as {what}",
        about=f"{about} The last revision that was made. {_NOT_YET}".strip(),
        tag=TAG,
        parameters=(_ID, *parameters),
        answers=(Answer(status=200, about="The report.", content=(content,), headers=_FILE), _UNCHANGED),
        problems=(ProblemType.MALFORMED_REQUEST, ProblemType.CONFLICT),
    )


HTML = _download(
    "a page", Content(shape={"type": "string"}, content_type="text/html"), about="It holds all that it needs."
)
PDF = _download("PDF", Content(shape=_BINARY, content_type="application/pdf"), _PAPER)
AS_JSON = _download("JSON", Content(shape=Report, content_type=JSON), about="Every figure, exact.")
CSV = Operation(
    summary="Get a report's tables as CSV",
    about=f"All of them in a zip, or one of them. The last revision that was made. {_NOT_YET}",
    tag=TAG,
    parameters=(_ID, Parameter(name="table", where="query", about="This table alone, such as `promises`.")),
    answers=(
        Answer(
            status=200,
            about="The tables.",
            content=(
                Content(shape=_BINARY, content_type="application/zip"),
                Content(shape={"type": "string"}, content_type="text/csv"),
            ),
            headers=_FILE,
        ),
        _UNCHANGED,
    ),
    problems=(ProblemType.MALFORMED_REQUEST, ProblemType.CONFLICT),
)
