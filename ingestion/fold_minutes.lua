#!lua flags=allow-oom
-- Adds minutes that are no longer asked for one by one to the field of all older ones. The sum stays what it was.
-- KEYS: accepted minutes of a shard
-- ARGV: field of the older ones, then minutes
for i = 2, #ARGV do
  local events = redis.call('HGET', KEYS[1], ARGV[i])
  if events then
    redis.call('HINCRBY', KEYS[1], ARGV[1], events)
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
