"""Two implementations of each limit, the rules and the script, behind one face each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from ingestion.limits import circuit_breaker, quota, token_bucket
from ingestion.limits.lua import compose, rule

if TYPE_CHECKING:
    from app.core.valkey import Script, Valkey


def script_of(valkey: Valkey, name: str, source: str) -> Script:
    """A script of one rule and a face for it."""
    return valkey.script(compose(f"#!lua\n{source}", rule(name)))


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
    local kept = redis.call('HMGET', KEYS[1], 'level', 'at')
    local level, at = bucket_refill(kept[1], kept[2], per_minute, burst, now)
    local wait = bucket_wait(level, per_minute, cost)
    if wait == 0 and take == '1' then
      level = bucket_take(level, cost)
      redis.call('HSET', KEYS[1], 'level', string.format('%.0f', level), 'at', string.format('%.0f', at))
    end
    return {wait, math.floor(level / SHARES)}
    """

    def __init__(self, valkey: Valkey, limit: token_bucket.RateLimit) -> None:
        self.limit = limit
        self.script = script_of(valkey, "token_bucket", self.SOURCE)

    def test(self, cost: int, now_ms: int, take: int = 0) -> token_bucket.Verdict:
        wait, remaining = self.script(["{s00}:bucket"], [self.limit.per_minute, self.limit.burst, cost, now_ms, take])
        return token_bucket.Verdict(allowed=wait == 0, remaining=remaining, wait_ms=wait)

    def hit(self, cost: int, now_ms: int) -> token_bucket.Verdict:
        return self.test(cost, now_ms, take=1)


class RulesQuota:
    def __init__(self, period: quota.Period, limit: int | None) -> None:
        self.period, self.limit = period, limit
        self.used: quota.Used | None = None

    def hit(self, cost: int, now: datetime) -> tuple[bool, str, int, int]:
        self.used, verdict = quota.hit(self.period, self.used, cost=cost, limit=self.limit, now=now)
        events = self.used.events
        return verdict.allowed, self.used.period, events, quota.threshold(events, self.limit)


class ScriptQuota:
    SOURCE = """
    local period, limit, cost, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
    local kept = redis.call('HMGET', KEYS[1], 'number', 'events', 'day', 'month')
    local day, month = quota_periods(now, kept[3], kept[4])
    local day_name, month_name = quota_names(day)
    local number, name = day, day_name
    if period == 'month' then
      number, name = month, month_name
    end
    local used = quota_used(kept[1], kept[2], number)
    if not quota_fits(used, limit, cost) then
      return {0, name, used, quota_threshold(used, limit)}
    end
    redis.call('HSET', KEYS[1], 'number', number, 'events', used + cost, 'day', day, 'month', month)
    return {1, name, used + cost, quota_threshold(used + cost, limit)}
    """

    def __init__(self, valkey: Valkey, period: quota.Period, limit: int | None) -> None:
        self.period, self.limit = period, limit
        self.script = script_of(valkey, "quota", self.SOURCE)

    def hit(self, cost: int, now: datetime) -> tuple[bool, str, int, int]:
        now_ms = (now - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000
        limit = "" if self.limit is None else self.limit
        allowed, name, *counts = self.script(["{s00}:quota"], [self.period, limit, cost, f"{now_ms:.0f}"])
        used, threshold = counts
        return bool(allowed), name.decode(), used, threshold


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

    def record(self, now_ms: int, *, good: bool, token: int = 0) -> str:
        self.breaker = circuit_breaker.record(self.thresholds, self.breaker, good=good, now_ms=now_ms, token=token)
        return self.state

    def release(self, token: int) -> str:
        self.breaker = circuit_breaker.release(self.breaker, token)
        return self.state


class ScriptBreaker:
    SOURCE = """
    local what, now, token = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
    local thresholds = circuit_thresholds(unpack(ARGV, 4, 9))
    local number, field = circuit_slot(thresholds.slot, now)
    local kept = redis.call('HMGET', KEYS[1], 'state', 'opened_at', 'probe_until', 'successes', field)
    local breaker = circuit_read(unpack(kept, 1, 4))
    if what == 'hit' then
      local wait, given = circuit_test(breaker, thresholds, now, 0)
      if given ~= 0 then
        circuit_take(KEYS[1], breaker, given)
      end
      return {wait, given}
    elseif what == 'good' and breaker.state == 'closed' then
      circuit_good(KEYS[1], thresholds.slot, number, field, kept[5])
    elseif what == 'good' then
      return circuit_proved(KEYS[1], breaker, thresholds, token)
    elseif what == 'bad' then
      return circuit_bad(KEYS[1], breaker, thresholds, now, token)
    elseif what == 'release' then
      circuit_release(KEYS[1], breaker, token)
    end
    return breaker.state
    """

    def __init__(self, valkey: Valkey, thresholds: circuit_breaker.Thresholds) -> None:
        self.thresholds = thresholds.as_tuple()
        self.script = script_of(valkey, "circuit_breaker", self.SOURCE)

    def _run(self, what: str, now_ms: int, token: int = 0) -> Any:
        return self.script(["{s00}:circuit"], [what, now_ms, token, *self.thresholds])

    @property
    def state(self) -> str:
        return self._run("state", 0).decode()

    def hit(self, now_ms: int) -> circuit_breaker.Verdict:
        wait, token = self._run("hit", now_ms)
        return circuit_breaker.Verdict(allowed=not wait, token=token, wait_ms=wait)

    def record(self, now_ms: int, *, good: bool, token: int = 0) -> str:
        return self._run("good" if good else "bad", now_ms, token).decode()

    def release(self, token: int) -> str:
        return self._run("release", 0, token).decode()


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
