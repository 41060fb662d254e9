#!lua flags=allow-oom
-- Lets an account send so many more records of telemetry, if its rate allows: all of them or none. It is the account's rate
-- for events, in a bucket of its own, so that neither takes from the other.
-- Needs clock, token_bucket.
-- KEYS: account (mirror), limits
-- ARGV: records; less than none gives back what was taken for a batch that was not kept, none only looks
-- Answers milliseconds to wait (0: taken), how many are left, how many a minute, how many at once, milliseconds until all
-- are there again, the server's time; or nothing for an account that is not mirrored.
local rate = redis.call('HMGET', KEYS[1], 'events_per_minute', 'events_burst')
if not rate[1] then
  return false
end
local per_minute, burst, records = tonumber(rate[1]), tonumber(rate[2]), tonumber(ARGV[1])
local now = clock()
local kept = redis.call('HMGET', KEYS[2], 'telemetry.level', 'telemetry.at')
local level, at = bucket_refill(kept[1], kept[2], per_minute, burst, now)
local wait = records > 0 and bucket_wait(level, per_minute, records) or 0
if wait == 0 and records ~= 0 then
  level = math.min(bucket_take(level, records), burst * SHARES)
  redis.call('HSET', KEYS[2], 'telemetry.level', level, 'telemetry.at', at)
end
return { wait, math.floor(level / SHARES), per_minute, burst, bucket_wait(level, per_minute, burst), now }
