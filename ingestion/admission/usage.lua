#!lua flags=no-writes
-- Describes what an account may do, what it has used, and what is on its way.
-- Needs clock, token_bucket, quota, circuit_breaker, fair_share, standing.
-- KEYS: account (mirror), limits, circuit, inflight
-- ARGV: account id, events that a worker takes at once, then the thresholds of the circuit breaker
-- Answers as standing_answer does, with 1 for status when the used quotas are known, else 0; and behind it: summaries left,
-- summaries a minute, state of the circuit, milliseconds until it asks, good and bad outcomes, events in flight, 1 when these
-- are above its fair share, 1 when it is ordered. Nothing for an account that is not mirrored.
local now = clock()
local standing = standing_read(KEYS[1], KEYS[2], now)
if not standing then
  return false
end
local answer = standing_answer(standing, now, standing.known and 1 or 0)

local per_minute = tonumber(redis.call('HGET', KEYS[1], 'summaries_per_minute'))
local kept = redis.call('HMGET', KEYS[2], 'summaries.level', 'summaries.at')
local summaries = bucket_refill(kept[1], kept[2], per_minute, per_minute, now)

local thresholds = circuit_thresholds(unpack(ARGV, 3, 8))
local breaker = circuit_read(unpack(redis.call('HMGET', KEYS[3], 'state', 'opened_at', 'probe_until', 'successes')))
local wait = breaker.state == 'open' and math.max(breaker.opened_at + thresholds.open - now, 0) or 0
local good, bad = circuit_count(KEYS[3], (circuit_slot(thresholds.slot, now)))

local in_flight = tonumber(redis.call('HGET', KEYS[4], ARGV[1]) or 0)
local above = above_fair_share(in_flight, function() return redis.call('HLEN', KEYS[4]) end, tonumber(ARGV[2]))
for _, value in ipairs({ math.floor(summaries / SHARES), per_minute, breaker.state, wait, good, bad, in_flight,
  above and 1 or 0, standing.ordered and 1 or 0 }) do
  answer[#answer + 1] = value
end
return answer
