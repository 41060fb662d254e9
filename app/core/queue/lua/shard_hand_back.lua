#!lua flags=allow-oom
-- Makes entries due at once for whoever holds the lease next: their worker leaves in good order, so that this is no
-- sign of a killer among them.
-- KEYS: lease, schedule
-- ARGV: worker, then members
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[2], now, ARGV[i])
end
return #ARGV - 1
