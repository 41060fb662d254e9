-- The circuit breaker of circuit_breaker.py. State: a hash with `state`, `opened_at`, `probe_until`, `successes` and, for
-- each slot of the window, `s0` … `s9` = "number good bad". An account without the hash has a closed circuit.

local SLOTS = 10

-- Returns the length of a slot in milliseconds, all that a closed circuit needs to know.
local function circuit_slot_ms(window)
  return math.floor(window / SLOTS)
end

-- Names the thresholds: window (ms), minimum, share, open (ms), probe (ms), successes.
local function circuit_thresholds(window, minimum, share, open, probe, successes)
  return { slot = circuit_slot_ms(window), minimum = tonumber(minimum), share = tonumber(share), open = tonumber(open),
    probe = tonumber(probe), successes = tonumber(successes) }
end

-- Makes a breaker of the fields that were kept of it. Without a state it is closed.
local function circuit_read(state, opened_at, probe_until, successes)
  return { state = state or 'closed', opened_at = tonumber(opened_at or 0), probe_until = tonumber(probe_until or 0),
    successes = tonumber(successes or 0) }
end

-- Returns the number of the slot that `now` lies in, and the field of the hash that holds it.
local function circuit_slot(slot_ms, now)
  local number = math.floor(now / slot_ms)
  return number, 's' .. number % SLOTS
end

-- Returns the milliseconds to wait (0: it may pass), and the token under which it passes when it is the probe (else 0).
-- `token` is that of a request which has been given the probe before.
local function circuit_test(breaker, thresholds, now, token)
  if breaker.state == 'closed' then
    return 0, 0
  end
  local left
  if breaker.state == 'open' then
    left = breaker.opened_at + thresholds.open - now
  elseif token ~= 0 and token == breaker.probe_until then
    return 0, token
  else
    left = breaker.probe_until - now
  end
  if left > 0 then
    return left, 0
  end
  return 0, now + thresholds.probe
end

-- Takes the probe, when circuit_test gave a token for it.
local function circuit_take(key, breaker, token)
  breaker.successes = breaker.state == 'half-open' and breaker.successes or 0
  breaker.state = 'half-open'
  breaker.probe_until = token
  redis.call('HSET', key, 'state', breaker.state, 'probe_until', string.format('%.0f', token), 'successes',
    breaker.successes)
end

-- Gives the probe back without an outcome.
local function circuit_release(key, breaker, token)
  if breaker.state == 'half-open' and token ~= 0 and token == breaker.probe_until then
    redis.call('HSET', key, 'probe_until', 0)
  end
end

local function circuit_open(key, now)
  redis.call('DEL', key)
  redis.call('HSET', key, 'state', 'open', 'opened_at', string.format('%.0f', now))
  return 'open'
end

-- Counts the good outcome of the probe. Returns the state after it.
local function circuit_proved(key, breaker, thresholds, token)
  if breaker.state ~= 'half-open' or token == 0 or token ~= breaker.probe_until then
    return breaker.state
  end
  if breaker.successes + 1 >= thresholds.successes then
    redis.call('DEL', key)
    return 'closed'
  end
  redis.call('HSET', key, 'probe_until', 0, 'successes', breaker.successes + 1)
  return 'half-open'
end

-- Counts a good outcome of a closed circuit; `kept` is what its slot held.
local function circuit_good(key, slot_ms, number, field, kept)
  local slot, good, bad
  if kept then
    slot, good, bad = string.match(kept, '^(%d+) (%d+) (%d+)$')
  end
  if tonumber(slot) == number then
    redis.call('HSET', key, field, slot .. ' ' .. good + 1 .. ' ' .. bad)
    return
  end
  redis.call('HSET', key, field, string.format('%.0f 1 0', number))
  -- Nothing to remember of an account whose window has passed.
  redis.call('PEXPIRE', key, (SLOTS + 1) * slot_ms)
end

-- Returns the good and the bad outcomes inside the window, and those of its last slot alone.
local function circuit_count(key, number)
  local goods, bads, own_good, own_bad = 0, 0, 0, 0
  for _, text in ipairs(redis.call('HMGET', key, 's0', 's1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9')) do
    if text then
      local slot, good, bad = string.match(text, '^(%d+) (%d+) (%d+)$')
      slot = tonumber(slot)
      if slot > number - SLOTS and slot <= number then
        goods, bads = goods + good, bads + bad
      end
      if slot == number then
        own_good, own_bad = tonumber(good), tonumber(bad)
      end
    end
  end
  return goods, bads, own_good, own_bad
end

-- Counts a bad outcome. Returns the state after it.
local function circuit_bad(key, breaker, thresholds, now, token)
  if breaker.state == 'open' then
    return 'open'
  end
  if breaker.state == 'half-open' then
    if token == 0 or token ~= breaker.probe_until then
      return 'half-open'
    end
    return circuit_open(key, now)
  end
  local number, field = circuit_slot(thresholds.slot, now)
  local goods, bads, own_good, own_bad = circuit_count(key, number)
  local outcomes = goods + bads + 1
  if outcomes >= thresholds.minimum and (bads + 1) * 100 >= thresholds.share * outcomes then
    return circuit_open(key, now)
  end
  redis.call('HSET', key, field, string.format('%.0f %d %d', number, own_good, own_bad + 1))
  redis.call('PEXPIRE', key, (SLOTS + 1) * thresholds.slot)
  return 'closed'
end
