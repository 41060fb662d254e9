#!lua
-- Enqueues a periodic task for a tick, unless that tick or a later one has been enqueued by any worker.
-- KEYS: ticks, stream
-- ARGV: name of the task, tick, message
-- Returns 1 if this call enqueued it.
local last = redis.call('HGET', KEYS[1], ARGV[1])
if last and tonumber(last) >= tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('XADD', KEYS[2], '*', 'm', ARGV[3], 'e', 0, 'r', 0)
return 1
