#!lua
-- Writes a value that may expire.
-- KEYS: data
-- ARGV: field, value, time to live in ms (0: for ever), 1 to write only if there is no value
-- Returns 1 if it was written.
if ARGV[4] == '1' and redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if ARGV[3] ~= '0' then
  redis.call('HPEXPIRE', KEYS[1], ARGV[3], 'FIELDS', 1, ARGV[1])
end
return 1
