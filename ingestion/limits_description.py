"""The header fields of limited routes, as OpenAPI needs to hear of them."""

from __future__ import annotations

from app.core.http.operations import HeaderField

_POLICY = "What is allowed (draft-ietf-httpapi-ratelimit-headers-11): `q` at once, refilled within `w` seconds, in units of `qu`."
_LEFT = "What is left now: `r` of it, and all of it again in `t` seconds."

EVENT_LIMITS = {
    "RateLimit-Policy": HeaderField(
        about=_POLICY,
        example='"events_per_minute";q=10000;w=10;qu="events", "daily_quota";q=10000000;w=86400;qu="events", '
        '"monthly_quota";q=200000000;w=2592000;qu="events"',
    ),
    "RateLimit": HeaderField(
        about=_LEFT,
        example='"events_per_minute";r=9900;t=1, "daily_quota";r=9412345;t=50103, "monthly_quota";r=181000000;t=741303',
    ),
}
SUMMARY_LIMIT = {
    "RateLimit-Policy": HeaderField(about=_POLICY, example='"summaries_per_minute";q=600;w=60'),
    "RateLimit": HeaderField(about=_LEFT, example='"summaries_per_minute";r=598;t=1'),
}
TELEMETRY_LIMIT = {
    "RateLimit-Policy": HeaderField(about=_POLICY, example='"telemetry_per_minute";q=10000;w=10;qu="records"'),
    "RateLimit": HeaderField(about=_LEFT, example='"telemetry_per_minute";r=9900;t=1'),
}
