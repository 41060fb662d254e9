"""Structured logs on stderr: one JSON object a line for machines, or coloured lines for people; never a secret in either.

Every line carries what is bound to the context, such as the request id (`structlog.contextvars`). Libraries that log by the
standard library come out the same way.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import structlog

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from types import TracebackType
    from typing import TextIO

    from structlog.typing import Processor, WrappedLogger

REDACTED = "[redacted]"

_SECRET_NAME = re.compile(r"(?i)(secret|password|passwd|token|authorization|cookie|credential|api_?key$|private_?key)")
_SECRET_TEXT = (
    (re.compile(r"\b(slip\.[A-Za-z0-9_-]+\.[A-Za-z0-9]+)\.[A-Za-z0-9_-]+"), rf"\1.{REDACTED}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',]+"), rf"\1 {REDACTED}"),
    (re.compile(r"(://[^\s:/@]*):[^\s/@]+@"), rf"\1:{REDACTED}@"),
)
_DEEPEST = 8
_ALEMBIC_HABITS = ("Context impl ", "Will assume ")


def configure_logging(
    *, level: str = "info", style: str = "json", environment: str = "", stream: TextIO | None = None
) -> None:
    """Set up the logs of this process: `level` is debug, info, warning or error, `style` json or console."""
    stream = sys.stderr if stream is None else stream
    out = cast("TextIO", _Lossy(stream))
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _Name(environment),
    ]
    after: list[Processor] = [structlog.processors.format_exc_info, redact, _renderer(style, stream)]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*before, *after],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=out),
    )
    handler = logging.StreamHandler(out)
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *before], processors=[remove_meta, *after]
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)
    if number > logging.DEBUG:
        logging.getLogger("alembic.runtime.migration").addFilter(_is_news)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def redact(_logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Replace secrets in a line: by the name of a field, and by the look of a text, wherever it stands."""
    return {name: _redacted(name, value, 0) for name, value in event.items()}


def _redacted(name: str, value: Any, depth: int) -> Any:
    if value is not None and _SECRET_NAME.search(name):
        return REDACTED
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        return _without_secrets(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth < _DEEPEST:
        if isinstance(value, dict):
            return {_without_secrets(str(key)): _redacted(str(key), item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [_redacted(name, item, depth + 1) for item in value]
    return _redacted(name, repr(value), depth)


def _without_secrets(text: str) -> str:
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _is_news(record: logging.LogRecord) -> bool:
    """Tell whether Alembic says more than which dialect it is for, which it says of every connection that it looks at."""
    return not record.getMessage().startswith(_ALEMBIC_HABITS)


class _Lossy:
    """A stream that loses what it cannot write: a disk without room must not fail the work that a line tells of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class _Name:
    """Adds the name of the installation, unless it has none."""

    def __init__(self, environment: str) -> None:
        self._environment = environment

    def __call__(
        self, _logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        if self._environment:
            event["environment"] = self._environment
        return event


def _renderer(style: str, out: TextIO) -> Processor:
    if style == "json":
        # ASCII alone: a newline, an escape sequence or half a character in a value cannot leave its line.
        return structlog.processors.JSONRenderer(serializer=json.dumps, ensure_ascii=True)
    console = structlog.dev.ConsoleRenderer(
        colors=out.isatty(), timestamp_key="at", exception_formatter=structlog.dev.plain_traceback
    )
    return lambda logger, method, event: console(logger, method, _visible(event))


def _visible(event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Show what cannot be printed instead of sending it to a terminal; a traceback keeps its lines."""
    return {
        name: _printable(value, keep="\n" if name == "exception" else "") if isinstance(value, str) else value
        for name, value in event.items()
    }


def _printable(text: str, *, keep: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else repr(char)[1:-1] for char in text)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger().critical("uncaught", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(hook: threading.ExceptHookArgs) -> None:
    if hook.exc_value is None or issubclass(hook.exc_type, SystemExit):
        return
    thread = hook.thread.name if hook.thread is not None else ""
    exc_info = (hook.exc_type, hook.exc_value, hook.exc_traceback)
    structlog.get_logger().critical("uncaught", thread=thread, exc_info=exc_info)
