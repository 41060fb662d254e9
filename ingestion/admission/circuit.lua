#!lua flags=allow-oom
-- What happens to an account's circuit outside of an admission. It works on a server that is full too: a client that sends
-- rubbish is no less broken then.
-- Needs clock, token_bucket, quota, circuit_breaker, standing, journal.
--
-- KEYS: account (mirror), limits, circuit, journal
-- ARGV: 1 what: `enter` asks, before a body is looked at, whether it is worth it, and takes the probe where one is due;
--       `bad` counts a bad outcome; `release` gives the probe back; `reset` closes the circuit by hand,
--       2 account id, 3 token of the probe that the request holds (0: none), 4 cause, 5 to 10 thresholds
-- Answers as standing_answer does: the state after it as status, milliseconds to wait, token of the probe.

local ACCOUNT, LIMITS, CIRCUIT, JOURNAL = unpack(KEYS)
local what, account_id, token, cause = unpack(ARGV, 1, 4)
local now, thresholds = clock(), circuit_thresholds(unpack(ARGV, 5, 10))
token = tonumber(token)

local standing = standing_read(ACCOUNT, LIMITS, now)
if not standing then
  return { 'absent' }
end
local breaker = circuit_read(unpack(redis.call('HMGET', CIRCUIT, 'state', 'opened_at', 'probe_until', 'successes')))
local before, after = breaker.state, breaker.state
local wait, probe = 0, 0

if what == 'enter' then
  wait, probe = circuit_test(breaker, thresholds, now, token)
  if probe ~= token then
    circuit_take(CIRCUIT, breaker, probe)
    after = 'half-open'
  end
elseif what == 'bad' then
  after = circuit_bad(CIRCUIT, breaker, thresholds, now, token)
  if after == 'open' then
    wait = (before == 'open' and breaker.opened_at or now) + thresholds.open - now
  end
elseif what == 'release' then
  circuit_release(CIRCUIT, breaker, token)
elseif what == 'reset' then
  redis.call('DEL', CIRCUIT)
  after = 'closed'
end
journal_change(JOURNAL, account_id, before, after, cause)
return standing_answer(standing, now, after, wait, probe)
