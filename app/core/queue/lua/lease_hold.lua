#!lua flags=allow-oom
-- Leases a shard, or renews the lease.
-- KEYS: lease
-- ARGV: worker, time to live in ms
-- Returns 1 when the lease is the worker's.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
