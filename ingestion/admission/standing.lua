-- An account's limits and what is left of them: what scripts decide by, and what the headers of every answer say.
-- Needs token_bucket and quota.

-- Returns nil for an account that is not mirrored. `known` is false when Valkey has lost what the account has used.
local function standing_read(account_key, limits_key, now)
  local account = redis.call('HMGET', account_key, 'tier', 'lane', 'ordered', 'events_per_minute', 'events_burst',
    'daily_quota', 'monthly_quota')
  if not account[1] then
    return nil
  end
  local kept = redis.call('HMGET', limits_key, 'events.level', 'events.at', 'day', 'day.events', 'month', 'month.events')
  local per_minute, burst = tonumber(account[4]), tonumber(account[5])
  local level, at = bucket_refill(kept[1], kept[2], per_minute, burst, now)
  local day, month = quota_periods(now, kept[3], kept[5])
  return {
    tier = account[1], lane = account[2], ordered = account[3] == '1',
    per_minute = per_minute, burst = burst, level = level, at = at,
    day = day, month = month, daily = tonumber(account[6]), monthly = tonumber(account[7]),
    day_used = quota_used(kept[3], kept[4], day), month_used = quota_used(kept[5], kept[6], month), known = kept[5] ~= false,
  }
end

-- Returns an answer: status, two values that belong to it, tier, lane, and what is left. Without a limit it is -1.
local function standing_answer(standing, now, status, first, second)
  return { status, first or 0, second or 0, standing.tier, standing.lane, now,
    standing.per_minute, standing.burst, math.floor(standing.level / SHARES),
    bucket_wait(standing.level, standing.per_minute, standing.burst),
    standing.daily or -1, standing.day_used, standing.monthly or -1, standing.month_used }
end
