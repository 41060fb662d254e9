#!lua
-- Admits a batch whole or not at all. Everything is decided before anything is written, so a refusal changes nothing.
--
-- KEYS: account (mirror), keys (mirror), load, inflight, accepted, types, idempotency, and the streams high, normal, low
-- ARGV: 1 key id, 2 digest of its secret, 3 scope, 4 shard (two digits), 5 account id, 6 events, 7 codec, 8 body,
--       9 bytes that may wait in the shard, 10 event types an account may use a day,
--       11 digest of the Idempotency-Key ('' without one), 12 digest of the body, 13 '1' to look at the key and the
--       Idempotency-Key and stop there, 14 … event types that this caller has not yet seen the account use today
-- Answers status, tier, and: admitted: batch id · replayed: batch id, events · types: how many it has used.

local ACCOUNT, KEYRING, LOAD, INFLIGHT, ACCEPTED, TYPES, IDEMPOTENCY = unpack(KEYS, 1, 7)
local STREAMS = { high = KEYS[8], normal = KEYS[9], low = KEYS[10] }
local key_id, digest, scope, shard, account_id, events, codec, body = unpack(ARGV, 1, 8)
local most_waiting, most_types, idempotency, body_digest, look_only = unpack(ARGV, 9, 13)
local FIRST_TYPE = 14
local REMEMBER_ANSWER_S = 86400
local REMEMBER_TYPES_S = 2 * 86400

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- 1. The key: known, not revoked, not expired, and allowed to write.
local account = redis.call('HMGET', ACCOUNT, 'tier', 'lane')
local tier, lane = account[1], account[2]
if not tier then
  return { 'absent' }
end
local known = redis.call('HGET', KEYRING, key_id)
local known_digest, expires, scopes = string.match(known or '', '^(%x+) (%d+) (.*)$')
if known_digest ~= digest or (expires ~= '0' and tonumber(expires) * 1000 <= now) then
  return { 'unauthorized' }
end
if not string.find(',' .. scopes .. ',', ',' .. scope .. ',', 1, true) then
  return { 'forbidden', tier }
end

-- 2. The same request before: its answer is given again, and it consumes nothing, so nothing below can refuse it.
if idempotency ~= '' then
  local before = redis.call('HMGET', IDEMPOTENCY, 'body', 'batch', 'events')
  if before[1] and before[1] ~= body_digest then
    return { 'mismatch', tier }
  elseif before[1] then
    return { 'replayed', tier, before[2], tonumber(before[3]) }
  end
end
if look_only == '1' then
  return { 'new', tier }
end

-- 3. What the account may do: circuit, rate, daily and monthly quota are decided here, in this order.

-- 4. Room in the queue of the shard.
if (tonumber(redis.call('HGET', LOAD, 'bytes') or 0)) + #body > tonumber(most_waiting) then
  return { 'overloaded', tier }
end

-- 5. Event types used today.
local new_types = #ARGV >= FIRST_TYPE and { unpack(ARGV, FIRST_TYPE) } or {}
if #new_types > 0 then
  local used = redis.call('SCARD', TYPES)
  for _, seen in ipairs(redis.call('SMISMEMBER', TYPES, unpack(new_types))) do
    used = used + 1 - seen
  end
  if used > tonumber(most_types) then
    return { 'types', tier, used }
  end
end

-- Commit. XADD comes first: when Valkey has no memory left it fails, and nothing has been written.
local stream = STREAMS[lane]
local id
if idempotency == '' then
  id = redis.call('XADD', stream, '*', 'v', '1', 't', 'store', 'o', account_id, 'n', events, 'c', codec, 'd', body)
else
  id = redis.call('XADD', stream, '*', 'v', '1', 't', 'store', 'o', account_id, 'n', events, 'c', codec, 'd', body,
    'k', idempotency)
end
redis.call('HINCRBY', LOAD, 'entries', 1)
redis.call('HINCRBY', LOAD, 'bytes', #body)
redis.call('HINCRBY', LOAD, 'events', events)
redis.call('HINCRBY', LOAD, lane .. ':entries', 1)
redis.call('HINCRBY', LOAD, lane .. ':bytes', #body)
redis.call('HINCRBY', LOAD, lane .. ':events', events)
redis.call('HINCRBY', INFLIGHT, account_id, events)
-- The minute of the entry's own id, which is when the batch counts as received everywhere.
local received = tonumber(string.match(id, '^%d+'))
redis.call('HINCRBY', ACCEPTED, string.format('%d', math.floor(received / 60000)), events)
local batch_id = shard .. string.sub(lane, 1, 1) .. '-' .. id
if #new_types > 0 then
  redis.call('SADD', TYPES, unpack(new_types))
  redis.call('EXPIRE', TYPES, REMEMBER_TYPES_S)
end
if idempotency ~= '' then
  redis.call('HSET', IDEMPOTENCY, 'body', body_digest, 'batch', batch_id, 'events', events)
  redis.call('EXPIRE', IDEMPOTENCY, REMEMBER_ANSWER_S)
end
return { 'admitted', tier, batch_id }
