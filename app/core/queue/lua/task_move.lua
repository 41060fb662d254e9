#!lua flags=allow-oom
-- Moves tasks that are due from the schedule to their streams, so that a kill leaves each in one of the two.
-- KEYS: schedule, streams
-- ARGV: now in ms (empty: Valkey's clock), largest number
-- Returns how many were moved.
local now = ARGV[1]
if now == '' then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local due = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[2])
for _, member in ipairs(due) do
  local colon = string.find(member, ':', 1, true)
  local stream, attempts, redeliveries = string.match(string.sub(member, 1, colon), '^(%d+),(%d+),(%d+):$')
  local message = string.sub(member, colon + 1)
  redis.call('XADD', KEYS[1 + stream], '*', 'm', message, 'e', attempts, 'r', redeliveries)
  redis.call('ZREM', KEYS[1], member)
end
return #due
