#!lua
-- Appends one entry and counts it: the reference for every admission script that enqueues by itself.
-- KEYS: stream of the lane, load, inflight
-- ARGV: lane, owner, events, bytes of the body, then the entry's fields and values
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 5))
for field, amount in pairs({ entries = 1, events = ARGV[3], bytes = ARGV[4] }) do
  redis.call('HINCRBY', KEYS[2], field, amount)
  redis.call('HINCRBY', KEYS[2], ARGV[1] .. ':' .. field, amount)
end
redis.call('HINCRBY', KEYS[3], ARGV[2], ARGV[3])
return id
