-- The circuit breaker of circuit_breaker.py. State: a hash with `state`, `opened_at`, `probe_until`, `successes` and, for
-- each slot of the window, `s0` … `s9` = "number good bad".

local SLOTS = 10

-- The thresholds as one string "window_ms minimum share open_ms probe_ms successes".
local function circuit_thresholds(text)
  local t = {}
  for number in string.gmatch(text, '%d+') do
    t[#t + 1] = tonumber(number)
  end
  return { window = t[1], slot = math.floor(t[1] / SLOTS), minimum = t[2], share = t[3], open = t[4], probe = t[5],
    successes = t[6] }
end

local function circuit_read(key)
  local kept = redis.call('HMGET', key, 'state', 'opened_at', 'probe_until', 'successes')
  return { state = kept[1] or 'closed', opened_at = tonumber(kept[2] or 0), probe_until = tonumber(kept[3] or 0),
    successes = tonumber(kept[4] or 0) }
end

-- Returns whether a request may pass, whether it would be the probe, and the milliseconds to wait if it may not.
local function circuit_test(breaker, thresholds, now)
  if breaker.state == 'closed' then
    return true, false, 0
  end
  local left
  if breaker.state == 'open' then
    left = breaker.opened_at + thresholds.open - now
  else
    left = breaker.probe_until - now
  end
  if left > 0 then
    return false, false, left
  end
  return true, true, 0
end

-- Takes the probe, when circuit_test said that the request is one.
local function circuit_probe(key, breaker, thresholds, now)
  if breaker.state ~= 'half-open' then
    breaker.successes = 0
  end
  breaker.state = 'half-open'
  breaker.probe_until = now + thresholds.probe
  redis.call('HSET', key, 'state', breaker.state, 'probe_until', string.format('%.0f', breaker.probe_until),
    'successes', breaker.successes)
end

local function circuit_open(key, now)
  redis.call('DEL', key)
  redis.call('HSET', key, 'state', 'open', 'opened_at', string.format('%.0f', now))
end

-- Counts the outcome of a request that had passed. Returns the state before and after.
local function circuit_record(key, thresholds, good, now)
  local breaker = circuit_read(key)
  if breaker.state == 'open' then
    return 'open', 'open'
  end
  if breaker.state == 'half-open' then
    if not good then
      circuit_open(key, now)
      return 'half-open', 'open'
    end
    if breaker.successes + 1 >= thresholds.successes then
      redis.call('DEL', key)
      return 'half-open', 'closed'
    end
    redis.call('HSET', key, 'probe_until', 0, 'successes', breaker.successes + 1)
    return 'half-open', 'half-open'
  end
  local number = math.floor(now / thresholds.slot)
  local goods, bads = 0, 0
  local own_good, own_bad = 0, 0
  for index, text in ipairs(redis.call('HMGET', key, 's0', 's1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9')) do
    if text then
      local slot, slot_good, slot_bad = string.match(text, '(%d+) (%d+) (%d+)')
      if tonumber(slot) > number - SLOTS and tonumber(slot) <= number then
        goods, bads = goods + slot_good, bads + slot_bad
        if tonumber(slot) == number then
          own_good, own_bad = tonumber(slot_good), tonumber(slot_bad)
        end
      end
    end
  end
  if good then
    goods, own_good = goods + 1, own_good + 1
  else
    bads, own_bad = bads + 1, own_bad + 1
  end
  if goods + bads >= thresholds.minimum and bads * 100 >= thresholds.share * (goods + bads) then
    circuit_open(key, now)
    return 'closed', 'open'
  end
  redis.call('HSET', key, 's' .. (number % SLOTS), string.format('%.0f %d %d', number, own_good, own_bad))
  -- Nothing to remember of an account whose window has passed.
  redis.call('PEXPIRE', key, thresholds.window + thresholds.slot)
  return 'closed', 'closed'
end
