-- The token bucket of token_bucket.py, number for number. State: two fields of a hash, `<name>.level` and `<name>.at`, which
-- the caller reads and writes together with whatever else it keeps there.

local SHARES = 60000

-- Returns the level in shares and the instant it stands for, from what was kept (false for an account that sent nothing yet).
local function bucket_refill(kept_level, kept_at, per_minute, burst, now)
  local capacity = burst * SHARES
  if not kept_level then
    return capacity, now
  end
  local at = tonumber(kept_at)
  local fill = math.ceil(capacity / per_minute)
  local elapsed = math.min(math.max(now - at, 0), fill)
  return math.min(capacity, tonumber(kept_level) + elapsed * per_minute), math.max(now, at)
end

-- Returns the milliseconds until `cost` events may pass: 0 is now.
local function bucket_wait(level, per_minute, cost)
  local missing = cost * SHARES - level
  if missing <= 0 then
    return 0
  end
  return math.ceil(missing / per_minute)
end

-- Returns the level after `cost` events.
local function bucket_take(level, cost)
  return level - cost * SHARES
end
