#!lua flags=no-writes
-- KEYS: schedule, dead letters, one stream per priority
-- ARGV: group
-- Returns now (ms), entries waiting, in flight, scheduled, dead, ms of the oldest entry.
local time = redis.call('TIME')
local waiting, in_flight, oldest = 0, 0, nil
for i = 3, #KEYS do
  local summary = redis.pcall('XPENDING', KEYS[i], ARGV[1])
  local pending = summary.err and 0 or summary[1]
  waiting = waiting + redis.call('XLEN', KEYS[i]) - pending
  in_flight = in_flight + pending
  local first = redis.call('XRANGE', KEYS[i], '-', '+', 'COUNT', 1)[1]
  local ms = first and tonumber(string.match(first[1], '^%d+'))
  if ms and (not oldest or ms < oldest) then
    oldest = ms
  end
end
return {
  time[1] * 1000 + math.floor(time[2] / 1000),
  waiting,
  in_flight,
  redis.call('ZCARD', KEYS[1]),
  redis.call('XLEN', KEYS[2]),
  oldest or false,
}
