#!lua flags=allow-oom
-- Reads a value and deletes it, so that two readers never both have it.
-- KEYS: data
-- ARGV: field
local value = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
return value
