#!lua flags=allow-oom
-- Says that a worker is still at its entries. One that was taken over meanwhile is not taken back.
-- KEYS: stream
-- ARGV: group, consumer, idle time to set in ms, ids
-- Returns the ids that are still the worker's.
local mine = {}
for i = 4, #ARGV do
  if redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])[1] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'IDLE', ARGV[3], 'JUSTID')
    mine[#mine + 1] = ARGV[i]
  end
end
return mine
