#!lua
-- Admits a batch whole or not at all. Everything is decided before anything is written, so a refusal consumes nothing.
-- Needs clock, token_bucket, quota, circuit_breaker, fair_share, key, standing, journal.
--
-- KEYS: account (mirror), keys (mirror), limits, circuit, load, inflight, accepted, types, journal, idempotency, and the
--       streams high, normal, low, overflow
-- ARGV: 1 key id, 2 digest of its secret, 3 scope, 4 shard (two digits), 5 account id, 6 events, 7 codec, 8 body,
--       9 digest of the Idempotency-Key ('' without one), 10 digest of the body, 11 '1' to look at the key and the
--       Idempotency-Key and stop there, 12 token of the probe that the request holds (0: none), 13 bytes that may wait in
--       the shard, 14 events that a worker takes at once, 15 event types an account may use a day, 16 lanes that are refused
--       now, joined, 17 '1' to go without quotas that Valkey has lost, where nothing is limited by them, 18 to 23 thresholds
--       of the circuit breaker, 24 … event types that this caller has not yet seen the account use today
-- Answers as standing_answer does; with admitted and replayed come batch id and events, with circuit and rate the
-- milliseconds to wait, with types how many it has used, with unknown 1 when a quota limits the account.

local ACCOUNT, KEYRING, LIMITS, CIRCUIT, LOAD, INFLIGHT, ACCEPTED, TYPES, JOURNAL, IDEMPOTENCY = unpack(KEYS, 1, 10)
local STREAMS = { high = KEYS[11], normal = KEYS[12], low = KEYS[13], overflow = KEYS[14] }
local key_id, digest, scope, shard, account_id, events, codec, body = unpack(ARGV, 1, 8)
local idempotency, body_digest, look_only, token, room, bundle = unpack(ARGV, 9, 14)
local most_types, refused_lanes, without_quotas = unpack(ARGV, 15, 17)
local FIRST_THRESHOLD, LAST_THRESHOLD, FIRST_TYPE = 18, 23, 24
local REMEMBER_ANSWER_S = 86400
local REMEMBER_TYPES_S = 2 * 86400
-- How much of the shard's room may be full when a batch of the lane still comes in. What an account sends above its fair
-- share goes into `overflow`: it cannot take the room of the others.
local ROOM = { high = 1, normal = 0.9, low = 0.8, overflow = 0.6 }

local now = clock()
events, token, room, bundle = tonumber(events), tonumber(token), tonumber(room), tonumber(bundle)

-- 1. The key: known, not revoked, not expired, and allowed to write.
local standing = standing_read(ACCOUNT, LIMITS, now)
if not standing then
  return { 'absent' }
end
local refusal = key_refusal(KEYRING, key_id, digest, scope, now)
if refusal == 'unauthorized' then
  return { refusal }
end
local function answer(status, first, second)
  return standing_answer(standing, now, status, first, second)
end
if refusal then
  return answer(refusal)
end

-- 2. The same request before: its answer is given again, and it consumes nothing, so nothing below can refuse it.
if idempotency ~= '' then
  local before = redis.call('HMGET', IDEMPOTENCY, 'body', 'batch', 'events')
  if before[1] and before[1] ~= body_digest then
    return answer('mismatch')
  elseif before[1] then
    return answer('replayed', before[2], tonumber(before[3]))
  end
end
if look_only == '1' then
  return answer('new')
end

-- 3. What the account may do: circuit, rate, daily and monthly quota.
local slot_ms = circuit_slot_ms(ARGV[FIRST_THRESHOLD])
local slot, slot_field = circuit_slot(slot_ms, now)
local circuit = redis.call('HMGET', CIRCUIT, slot_field, 'state', 'opened_at', 'probe_until', 'successes')
local breaker, thresholds, probe
if circuit[2] then
  breaker, thresholds = circuit_read(unpack(circuit, 2)), circuit_thresholds(unpack(ARGV, FIRST_THRESHOLD, LAST_THRESHOLD))
  local closed_for
  closed_for, probe = circuit_test(breaker, thresholds, now, token)
  if closed_for > 0 then
    return answer('circuit', closed_for)
  end
end
local wait = bucket_wait(standing.level, standing.per_minute, events)
if wait > 0 then
  return answer('rate', wait)
end
if not standing.known and (standing.daily or standing.monthly or without_quotas ~= '1') then
  return answer('unknown', (standing.daily or standing.monthly) and 1 or 0)
end
if not quota_fits(standing.day_used, standing.daily, events) then
  journal_quota(JOURNAL, LIMITS, account_id, 'day', standing.day, 100, standing.day_used, standing.daily)
  return answer('day')
end
if not quota_fits(standing.month_used, standing.monthly, events) then
  journal_quota(JOURNAL, LIMITS, account_id, 'month', standing.day, 100, standing.month_used, standing.monthly)
  return answer('month')
end

-- 4. Room: in the platform as a whole, and in the queue of the shard.
local lane = standing.lane
if refused_lanes ~= '' and string.find(refused_lanes, lane, 1, true) then
  return answer('shed')
end
local function accounts_in_flight()
  return redis.call('HLEN', INFLIGHT)
end
local load = redis.call('HMGET', LOAD, 'entries', 'bytes', 'events', lane .. ':entries', lane .. ':bytes', lane .. ':events')
local filled = ((load[2] or 0) + #body) / room
if filled > ROOM[lane] then
  return answer('full')
elseif filled > ROOM.overflow
  and above_fair_share(tonumber(redis.call('HGET', INFLIGHT, account_id) or 0), accounts_in_flight, bundle) then
  return answer('full')
end

-- 5. Event types used today.
local new_types = #ARGV >= FIRST_TYPE and { unpack(ARGV, FIRST_TYPE) } or {}
if #new_types > 0 then
  local used = redis.call('SCARD', TYPES)
  for _, seen in ipairs(redis.call('SMISMEMBER', TYPES, unpack(new_types))) do
    used = used + 1 - seen
  end
  if used > tonumber(most_types) then
    return answer('types', used)
  end
end

-- Commit. A Valkey without memory refuses the first write, and lets a script that has begun to write go on: so there is
-- no half of an admission.
local in_flight = redis.call('HINCRBY', INFLIGHT, account_id, events) - events
-- An ordered account stays in its lane: two lanes would be drained in another order than they were filled.
if not standing.ordered and above_fair_share(in_flight, accounts_in_flight, bundle) then
  lane = 'overflow'
  local lane_load = redis.call('HMGET', LOAD, 'overflow:entries', 'overflow:bytes', 'overflow:events')
  load[4], load[5], load[6] = lane_load[1], lane_load[2], lane_load[3]
end
local id
if idempotency == '' then
  id = redis.call('XADD', STREAMS[lane], '*', 'v', '1', 't', 'store', 'o', account_id, 'n', events, 'c', codec, 'd', body)
else
  id = redis.call('XADD', STREAMS[lane], '*', 'v', '1', 't', 'store', 'o', account_id, 'n', events, 'c', codec, 'd', body,
    'k', idempotency)
end
redis.call('HSET', LOAD, 'entries', (load[1] or 0) + 1, 'bytes', (load[2] or 0) + #body, 'events', (load[3] or 0) + events,
  lane .. ':entries', (load[4] or 0) + 1, lane .. ':bytes', (load[5] or 0) + #body, lane .. ':events', (load[6] or 0) + events)
-- The minute of the entry's own id, which is when the batch counts as received everywhere.
local received = tonumber(string.match(id, '^%d+'))
redis.call('HINCRBY', ACCEPTED, math.floor(received / 60000), events)
local batch_id = shard .. string.sub(lane, 1, 1) .. '-' .. id

standing.level = bucket_take(standing.level, events)
if standing.known then
  standing.day_used, standing.month_used = standing.day_used + events, standing.month_used + events
  redis.call('HSET', LIMITS, 'events.level', standing.level, 'events.at', standing.at,
    'day', standing.day, 'day.events', standing.day_used, 'month', standing.month, 'month.events', standing.month_used)
  local threshold = quota_threshold(standing.day_used, standing.daily)
  if threshold > 0 then
    journal_quota(JOURNAL, LIMITS, account_id, 'day', standing.day, threshold, standing.day_used, standing.daily)
  end
  threshold = quota_threshold(standing.month_used, standing.monthly)
  if threshold > 0 then
    journal_quota(JOURNAL, LIMITS, account_id, 'month', standing.day, threshold, standing.month_used, standing.monthly)
  end
else
  redis.call('HSET', LIMITS, 'events.level', standing.level, 'events.at', standing.at)
end

if not breaker then
  circuit_good(CIRCUIT, slot_ms, slot, slot_field, circuit[1])
else
  local before = breaker.state
  if probe ~= token then
    circuit_take(CIRCUIT, breaker, probe)
  end
  journal_change(JOURNAL, account_id, before, circuit_proved(CIRCUIT, breaker, thresholds, probe), 'admitted')
end
if #new_types > 0 then
  redis.call('SADD', TYPES, unpack(new_types))
  redis.call('EXPIRE', TYPES, REMEMBER_TYPES_S)
end
if idempotency ~= '' then
  redis.call('HSET', IDEMPOTENCY, 'body', body_digest, 'batch', batch_id, 'events', events)
  redis.call('EXPIRE', IDEMPOTENCY, REMEMBER_ANSWER_S)
end
return answer('admitted', batch_id, events)
