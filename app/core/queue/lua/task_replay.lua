#!lua
-- Moves a dead letter back to the queue, unless it was replayed or purged meanwhile.
-- KEYS: dead, stream
-- ARGV: id, message
-- Returns 1 if this call moved it.
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('XADD', KEYS[2], '*', 'm', ARGV[2], 'e', 0, 'r', 0)
return 1
