#!lua
-- Writes down what an account has used, unless that is known by now.
-- KEYS: limits
-- ARGV: day, events on it, month, events in it
if redis.call('HEXISTS', KEYS[1], 'month') == 1 then
  return 0
end
redis.call('HSET', KEYS[1], 'day', ARGV[1], 'day.events', ARGV[2], 'month', ARGV[3], 'month.events', ARGV[4])
return 1
