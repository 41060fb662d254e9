#!lua flags=allow-oom
-- Lets an account have one more summary, if its rate allows. A Valkey that is full still lets people read.
-- Needs clock, token_bucket.
-- KEYS: account (mirror), limits
-- Answers milliseconds to wait (0: take it), how many are left, how many a minute, milliseconds until all are there again,
-- the server's time; or nothing for an account that is not mirrored.
local per_minute = tonumber(redis.call('HGET', KEYS[1], 'summaries_per_minute'))
if not per_minute then
  return false
end
local now = clock()
local kept = redis.call('HMGET', KEYS[2], 'summaries.level', 'summaries.at')
-- A minute's worth may be asked for at once.
local level, at = bucket_refill(kept[1], kept[2], per_minute, per_minute, now)
local wait = bucket_wait(level, per_minute, 1)
if wait == 0 then
  level = bucket_take(level, 1)
  redis.call('HSET', KEYS[2], 'summaries.level', level, 'summaries.at', at)
end
return { wait, math.floor(level / SHARES), per_minute, bucket_wait(level, per_minute, per_minute), now }
