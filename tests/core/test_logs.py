from __future__ import annotations

import errno
import io
import json
import logging
import threading
import warnings
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.core.keys import new_key
from app.core.logs import configure_logging


@pytest.fixture
def out() -> io.StringIO:
    out = io.StringIO()
    configure_logging(stream=out, environment="staging")
    return out


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


class FullDisk(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_line_that_cannot_be_written_fails_nobody() -> None:
    configure_logging(stream=FullDisk())

    structlog.get_logger().info("batch_stored")
    logging.getLogger("library").warning("said")


def test_a_line_is_one_json_object_with_when_where_how_bad_and_what(out: io.StringIO) -> None:
    structlog.get_logger().info("batch_stored", events=100, account_id="acme")

    (line,) = lines(out)

    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "batch_stored",
        "events": 100,
        "account_id": "acme",
        "level": "info",
        "environment": "staging",
    }


def test_what_is_bound_to_the_context_is_in_every_line_also_of_libraries(out: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger().info("ours")
        logging.getLogger("library").warning("theirs %s", 1)
    structlog.get_logger().info("later")

    ours, theirs, later = lines(out)

    assert ours["request_id"] == theirs["request_id"] == "r-1"
    assert ours["environment"] == theirs["environment"] == "staging"
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("theirs 1", "library", "warning")
    assert "request_id" not in later


def test_lines_below_the_level_are_not_written() -> None:
    out = io.StringIO()
    configure_logging(level="warning", stream=out)

    structlog.get_logger().info("no")
    logging.getLogger("library").info("no")
    structlog.get_logger().error("yes")

    assert [line["event"] for line in lines(out)] == ["yes"]


@pytest.mark.parametrize(("level", "said"), [("info", 1), ("debug", 3)])
def test_alembic_says_what_it_does_and_not_what_it_is(level: str, said: int) -> None:
    out = io.StringIO()
    configure_logging(level=level, stream=out)

    alembic = logging.getLogger("alembic.runtime.migration")
    alembic.info("Context impl %s.", "PostgresqlImpl")
    alembic.info("Will assume %s DDL.", "transactional")
    alembic.info("Running upgrade 0001 -> 0002")

    assert len(lines(out)) == said
    assert lines(out)[-1]["event"] == "Running upgrade 0001 -> 0002"


KEY = new_key("acme").text
SECRET = KEY.rpartition(".")[2]


@pytest.mark.parametrize(
    "fields",
    [
        {"password": SECRET},
        {"ADMIN_TOKEN": SECRET},
        {"client_secret": SECRET.encode()},
        {"Authorization": SECRET},
        {"set-cookie": [SECRET]},
        {"api_key": SECRET},
        {"text": f"the key {KEY} was shown"},
        {"header": f"Bearer {SECRET}"},
        {"headers": {"inner": [{"authorization": f"bearer {SECRET}"}]}},
        {"headers": ("x", f"Bearer {SECRET}")},
        {"raw": f"Bearer {SECRET}".encode()},
        {"url": f"postgresql://slipstream:{SECRET}@db/slipstream"},
        {"url": f"unix://:{SECRET}@/run/valkey.sock?db=0"},
        {"error": ValueError(f"cannot read {KEY}")},
        {"nested": {"deeper": {"deepest": {KEY: KEY}}}},
    ],
)
def test_a_secret_is_redacted_wherever_it_stands(out: io.StringIO, fields: dict[str, Any]) -> None:
    structlog.get_logger().info("event", **fields)

    assert SECRET not in out.getvalue()
    assert "[redacted]" in out.getvalue()


def test_a_secret_in_the_message_or_in_a_traceback_is_redacted(out: io.StringIO) -> None:
    try:
        raise ValueError(KEY)
    except ValueError:
        structlog.get_logger().exception(f"failed for {KEY}")
        logging.getLogger("library").exception("failed for %s", KEY)

    assert SECRET not in out.getvalue()
    assert "ValueError" in lines(out)[0]["exception"]
    assert "ValueError" in lines(out)[1]["exception"]


def test_what_helps_to_find_a_key_stays(out: io.StringIO) -> None:
    structlog.get_logger().info(KEY, key_id="k1", idempotency_key="yes", tokens=None)

    (line,) = lines(out)

    assert line["event"] == KEY.replace(SECRET, "[redacted]")
    assert (line["key_id"], line["idempotency_key"], line["tokens"]) == ("k1", "yes", None)


@given(text=st.text() | st.binary(), style=st.sampled_from(["json", "console"]))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_logged_stays_on_its_line(text: str | bytes, style: str) -> None:
    out = io.StringIO()
    configure_logging(style=style, stream=out)

    structlog.get_logger().info("event", value=text, nested=[text])

    (line,) = out.getvalue().splitlines()
    assert line.isprintable()


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize("text", ["a\nb", "a\rb", "\x1b[2J", "\ud800", "\u2028", "\u202e", "\x85", "\0", "\x9b"])
def test_control_characters_are_shown_and_not_sent(style: str, text: str) -> None:
    out = io.StringIO()
    configure_logging(style=style, stream=out)

    structlog.get_logger().info(text, value=text)
    logging.getLogger("library").error(text)

    first, second = out.getvalue().split("\n")[:2]
    assert text not in first + second
    assert first.isprintable()
    assert second.isprintable()


def test_warnings_and_uncaught_errors_of_threads_are_lines_too(out: io.StringIO) -> None:
    def fail() -> None:
        raise RuntimeError("nobody catches this")

    thread = threading.Thread(target=fail, name="failing")
    thread.start()
    thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    uncaught, warning = lines(out)

    assert (uncaught["event"], uncaught["level"], uncaught["thread"]) == ("uncaught", "critical", "failing")
    assert "nobody catches this" in uncaught["exception"]
    assert (warning["logger"], warning["level"]) == ("py.warnings", "warning")
