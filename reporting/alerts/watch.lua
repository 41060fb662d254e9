#!lua flags=allow-oom
-- Looks whether alerts are evaluated, and lets one of many tell somebody when that has changed.
-- KEYS: when alerts were last evaluated (ms), what was told of it, who is telling now
-- ARGV: after how many ms it is dead, for how many ms who asks may be telling (0: he only looks), who asks
-- Returns when it was last evaluated (ms), its age (ms), and what to tell: 0 nothing, 1 that it is dead, 2 that it is back.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('GET', KEYS[1]) or '')
if not last then
  -- Nobody has evaluated yet, or Valkey has forgotten: the time counts from the first question.
  last = now
  redis.call('SET', KEYS[1], last)
end
local age = now - last
local told = redis.call('EXISTS', KEYS[2]) == 1
local dead = age >= tonumber(ARGV[1])
if dead == told or ARGV[2] == '0' or not redis.call('SET', KEYS[3], ARGV[3], 'NX', 'PX', ARGV[2]) then
  return {last, age, 0}
end
return {last, age, dead and 1 or 2}
