#!lua flags=allow-oom
-- Keeps one entry pending and says when it may be taken again. Nothing moves, so there is no moment at which a kill
-- could lose or double it, and its id, which is its batch id, stays.
-- KEYS: lease, schedule, attempts
-- ARGV: worker, member, delay in ms, attempts charged so far (empty: unchanged), reason, 1 if not understood
-- Returns nil when the lease is not the worker's, else for how long (ms) the entry has not been understood.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return false
end
local member = ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[3], 'a:' .. member, ARGV[4])
end
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[3], 'e:' .. member, ARGV[5])
end
redis.call('ZADD', KEYS[2], now + ARGV[3], member)
if ARGV[6] == '1' then
  redis.call('HSETNX', KEYS[3], 'u:' .. member, now)
  return now - redis.call('HGET', KEYS[3], 'u:' .. member)
end
return 0
