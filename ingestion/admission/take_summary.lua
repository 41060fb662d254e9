#!lua flags=allow-oom
-- Lets an account have one more summary, if its rate allows. A Valkey that is full still lets people read.
-- Needs clock, token_bucket, key.
-- KEYS: account (mirror), limits, and to look at a key as well, keys (mirror)
-- ARGV: summaries, of which none only looks; or key id, digest of its secret, scope
-- Answers milliseconds to wait (0: take it), how many are left, how many a minute, milliseconds until all are there again,
-- the server's time, the tier; or nothing for an account that is not mirrored, or a key that may not.
local tier, per_minute = unpack(redis.call('HMGET', KEYS[1], 'tier', 'summaries_per_minute'))
per_minute = tonumber(per_minute)
if not per_minute then
  return false
end
local now = clock()
if KEYS[3] and key_refusal(KEYS[3], ARGV[1], ARGV[2], ARGV[3], now) then
  return false
end
local kept = redis.call('HMGET', KEYS[2], 'summaries.level', 'summaries.at')
-- A minute's worth may be asked for at once.
local level, at = bucket_refill(kept[1], kept[2], per_minute, per_minute, now)
local summaries = KEYS[3] and 1 or tonumber(ARGV[1])
local wait = bucket_wait(level, per_minute, summaries)
if wait == 0 and summaries > 0 then
  level = bucket_take(level, summaries)
  -- Not into the log on disk: nobody who reads waits for a disk. After a restart of Valkey a minute's worth is there again.
  redis.set_repl(redis.REPL_REPLICA)
  redis.call('HSET', KEYS[2], 'summaries.level', level, 'summaries.at', at)
end
return { wait, math.floor(level / SHARES), per_minute, bucket_wait(level, per_minute, per_minute), now, tier }
