#!lua flags=allow-oom
-- Leaves an entry that this release does not understand pending, for one that does; when the grace is over it becomes a
-- dead letter.
-- KEYS: stream, unknown, dead, redelivered
-- ARGV: group, id, name, grace in ms, reason, payload
-- Returns 1 if the entry is a dead letter now.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSETNX', KEYS[2], ARGV[3], now)
if now - redis.call('HGET', KEYS[2], ARGV[3]) < tonumber(ARGV[4]) then
  return 0
end
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 1 then
  redis.call('XDEL', KEYS[1], ARGV[2])
  redis.call('XADD', KEYS[3], '*', 't', '', 'reason', ARGV[5], 'traceback', '', 'e', 0, 'm', ARGV[6])
end
redis.call('HDEL', KEYS[2], ARGV[3])
redis.call('HDEL', KEYS[4], ARGV[3])
return 1
