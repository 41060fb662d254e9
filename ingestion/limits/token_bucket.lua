-- The token bucket of token_bucket.py, number for number. State: two fields of a hash, `<name>.level` and `<name>.at`.

local SHARES = 60000

-- Returns the level in shares and the instant it stands for.
local function bucket_refill(key, name, per_minute, burst, now)
  local kept = redis.call('HMGET', key, name .. '.level', name .. '.at')
  local capacity = burst * SHARES
  if not kept[1] then
    return capacity, now
  end
  local at = tonumber(kept[2])
  local fill = math.ceil(capacity / per_minute)
  local elapsed = math.min(math.max(now - at, 0), fill)
  return math.min(capacity, tonumber(kept[1]) + elapsed * per_minute), math.max(now, at)
end

-- Returns the milliseconds until `cost` events may pass: 0 is now.
local function bucket_wait(level, per_minute, cost)
  local missing = cost * SHARES - level
  if missing <= 0 then
    return 0
  end
  return math.ceil(missing / per_minute)
end

local function bucket_take(key, name, level, at, cost)
  redis.call('HSET', key, name .. '.level', string.format('%.0f', level - cost * SHARES),
    name .. '.at', string.format('%.0f', at))
end
