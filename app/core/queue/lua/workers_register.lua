#!lua flags=allow-oom
-- Says that a worker lives, forgets those who have not said so for too long, and names the living.
-- KEYS: workers
-- ARGV: worker, time to live in ms
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZRANGE', KEYS[1], 0, -1)
