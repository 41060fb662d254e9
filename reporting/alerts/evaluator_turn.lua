#!lua flags=allow-oom
-- Holds the lease of the evaluator, if nobody else does, and says whether an evaluation is due.
-- KEYS: lease, when alerts were last evaluated (ms)
-- ARGV: worker, time to live of the lease in ms, time between evaluations in ms
-- Returns 0 when another holds the lease, 1 when nothing is due yet, 2 when it is.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('GET', KEYS[2]) or 0)
if now - last < tonumber(ARGV[3]) then
  return 1
end
return 2
