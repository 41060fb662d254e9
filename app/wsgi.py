"""The WSGI application of one API process: what the server loads, after any fork."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from app.composition import Counting, compose_api
from app.core.logs import configure_logging
from app.core.metrics import multiprocess
from app.core.settings import load_settings

if TYPE_CHECKING:
    from flask import Flask


def application() -> Flask:
    """Build the application from the environment and start what runs beside its requests."""
    settings = load_settings(os.environ)
    configure_logging(level=settings.log_level, style=settings.log_format, environment=settings.environment)
    counting = Counting(CollectorRegistry(), multiprocess.directory(os.environ))
    api = compose_api(settings, counting, now=datetime.now(UTC))
    api.start()
    return api.app
