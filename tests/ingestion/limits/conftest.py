"""Two implementations of each limit, the rules and the script, behind one face each."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from ingestion.limits import circuit_breaker, quota, token_bucket

if TYPE_CHECKING:
    from app.core.valkey import Valkey

LUA = Path(token_bucket.__file__).parent


class BucketFace(Protocol):
    def test(self, cost: int, now_ms: int) -> token_bucket.Verdict: ...

    def hit(self, cost: int, now_ms: int) -> token_bucket.Verdict: ...


class RulesBucket:
    def __init__(self, limit: token_bucket.RateLimit) -> None:
        self.limit = limit
        self.bucket: token_bucket.Bucket | None = None

    def test(self, cost: int, now_ms: int) -> token_bucket.Verdict:
        bucket = self.bucket or token_bucket.full(self.limit, now_ms)
        return token_bucket.test(self.limit, bucket, cost=cost, now_ms=now_ms)

    def hit(self, cost: int, now_ms: int) -> token_bucket.Verdict:
        bucket = self.bucket or token_bucket.full(self.limit, now_ms)
        after, verdict = token_bucket.hit(self.limit, bucket, cost=cost, now_ms=now_ms)
        if verdict.allowed:
            self.bucket = after
        return verdict


class ScriptBucket:
    SOURCE = """
    local per_minute, burst, cost, now, take = unpack(ARGV)
    per_minute, burst, cost, now = tonumber(per_minute), tonumber(burst), tonumber(cost), tonumber(now)
    local level, at = bucket_refill(KEYS[1], 'rate', per_minute, burst, now)
    local wait = bucket_wait(level, per_minute, cost)
    if wait == 0 and take == '1' then
      bucket_take(KEYS[1], 'rate', level, at, cost)
      level = level - cost * SHARES
    end
    return {wait, math.floor(level / SHARES)}
    """

    def __init__(self, valkey: Valkey, limit: token_bucket.RateLimit) -> None:
        self.limit = limit
        self.script = valkey.script((LUA / "token_bucket.lua").read_text() + self.SOURCE)

    def test(self, cost: int, now_ms: int, take: int = 0) -> token_bucket.Verdict:
        wait, remaining = self.script(["{s00}:bucket"], [self.limit.per_minute, self.limit.burst, cost, now_ms, take])
        return token_bucket.Verdict(allowed=wait == 0, remaining=remaining, wait_ms=wait)

    def hit(self, cost: int, now_ms: int) -> token_bucket.Verdict:
        return self.test(cost, now_ms, take=1)


class RulesQuota:
    def __init__(self, period: quota.Period, limit: int | None) -> None:
        self.period, self.limit = period, limit
        self.used: quota.Used | None = None

    def hit(self, cost: int, now: datetime) -> tuple[bool, str, int]:
        self.used, verdict = quota.hit(self.period, self.used, cost=cost, limit=self.limit, now=now)
        return verdict.allowed, self.used.period, self.used.events


class ScriptQuota:
    SOURCE = """
    local period, limit, cost, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
    local day, month = periods(now)
    local name = period == 'day' and day or month
    local used = quota_used(KEYS[1], period, name)
    if not quota_fits(used, limit, cost) then
      return {0, name, used}
    end
    quota_take(KEYS[1], period, name, used, cost)
    return {1, name, used + cost}
    """

    def __init__(self, valkey: Valkey, period: quota.Period, limit: int | None) -> None:
        self.period, self.limit = period, limit
        self.script = valkey.script((LUA / "quota.lua").read_text() + self.SOURCE)

    def hit(self, cost: int, now: datetime) -> tuple[bool, str, int]:
        now_ms = (now - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000
        limit = "" if self.limit is None else self.limit
        allowed, name, used = self.script(["{s00}:quota"], [self.period, limit, cost, f"{now_ms:.0f}"])
        return bool(allowed), name.decode(), used


class RulesBreaker:
    def __init__(self, thresholds: circuit_breaker.Thresholds) -> None:
        self.thresholds = thresholds
        self.breaker = circuit_breaker.Breaker()

    @property
    def state(self) -> str:
        return self.breaker.state.value

    def hit(self, now_ms: int) -> circuit_breaker.Verdict:
        self.breaker, verdict = circuit_breaker.hit(self.thresholds, self.breaker, now_ms)
        return verdict

    def record(self, now_ms: int, *, good: bool) -> str:
        self.breaker = circuit_breaker.record(self.thresholds, self.breaker, good=good, now_ms=now_ms)
        return self.state


class ScriptBreaker:
    SOURCE = """
    local thresholds, now = circuit_thresholds(ARGV[2]), tonumber(ARGV[3])
    if ARGV[1] == 'state' then
      return circuit_read(KEYS[1]).state
    end
    if ARGV[1] == 'hit' then
      local breaker = circuit_read(KEYS[1])
      local allowed, probe, wait = circuit_test(breaker, thresholds, now)
      if probe then
        circuit_probe(KEYS[1], breaker, thresholds, now)
      end
      return {allowed and 1 or 0, probe and 1 or 0, wait}
    end
    local _, after = circuit_record(KEYS[1], thresholds, ARGV[1] == 'good', now)
    return after
    """

    def __init__(self, valkey: Valkey, thresholds: circuit_breaker.Thresholds) -> None:
        t = thresholds
        self.text = f"{t.window_ms} {t.minimum} {t.share} {t.open_ms} {t.probe_ms} {t.successes}"
        self.script = valkey.script((LUA / "circuit_breaker.lua").read_text() + self.SOURCE)

    def _run(self, what: str, now_ms: int) -> Any:
        return self.script(["{s00}:circuit"], [what, self.text, now_ms])

    @property
    def state(self) -> str:
        return self._run("state", 0).decode()

    def hit(self, now_ms: int) -> circuit_breaker.Verdict:
        allowed, probe, wait = self._run("hit", now_ms)
        return circuit_breaker.Verdict(allowed=bool(allowed), probe=bool(probe), wait_ms=wait)

    def record(self, now_ms: int, *, good: bool) -> str:
        return self._run("good" if good else "bad", now_ms).decode()


@pytest.fixture(params=["rules", "script"])
def make_bucket(request: pytest.FixtureRequest) -> Any:
    if request.param == "rules":
        return RulesBucket
    valkey = request.getfixturevalue("valkey")
    return lambda limit: ScriptBucket(valkey, limit)


@pytest.fixture(params=["rules", "script"])
def make_quota(request: pytest.FixtureRequest) -> Any:
    if request.param == "rules":
        return RulesQuota
    valkey = request.getfixturevalue("valkey")
    return lambda period, limit: ScriptQuota(valkey, period, limit)


@pytest.fixture(params=["rules", "script"])
def make_breaker(request: pytest.FixtureRequest) -> Any:
    if request.param == "rules":
        return RulesBreaker
    valkey = request.getfixturevalue("valkey")
    return lambda thresholds: ScriptBreaker(valkey, thresholds)


@pytest.fixture
def both(valkey: Valkey) -> Any:
    """Both implementations of everything, on an empty Valkey at each call, for tests that compare them."""

    def build(kind: str, *args: Any) -> tuple[Any, Any]:
        valkey.execute("FLUSHALL")
        rules, script = {
            "bucket": (RulesBucket, ScriptBucket),
            "quota": (RulesQuota, ScriptQuota),
            "breaker": (RulesBreaker, ScriptBreaker),
        }[kind]
        return rules(*args), script(valkey, *args)

    return build


@pytest.fixture
def valkey_cleaner(valkey: Valkey) -> Any:
    """Empties Valkey between the examples of one test."""
    return lambda: valkey.execute("FLUSHALL")
