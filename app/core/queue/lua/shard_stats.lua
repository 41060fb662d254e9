#!lua flags=no-writes
-- Describes one shard for a scrape; reads no body into the answer.
-- KEYS: lease, schedule, load, one stream per lane
-- ARGV: group
-- Returns now (ms), holder of the lease, entries waiting for another try, load as fields and values, and per lane:
-- length, pending, ms of the oldest entry.
local time = redis.call('TIME')
local lanes = {}
for i = 4, #KEYS do
  local summary = redis.pcall('XPENDING', KEYS[i], ARGV[1])
  local oldest = redis.call('XRANGE', KEYS[i], '-', '+', 'COUNT', 1)[1]
  lanes[#lanes + 1] = {
    redis.call('XLEN', KEYS[i]),
    summary.err and 0 or summary[1],
    oldest and string.match(oldest[1], '^%d+') or false,
  }
end
return {
  time[1] * 1000 + math.floor(time[2] / 1000),
  redis.call('GET', KEYS[1]),
  redis.call('ZCARD', KEYS[2]),
  redis.call('HGETALL', KEYS[3]),
  lanes,
}
