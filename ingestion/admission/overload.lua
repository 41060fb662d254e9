#!lua flags=no-writes
-- Says how full a shard is: bytes that wait, milliseconds since the oldest entry came, and entries in the journal.
-- Needs clock.
-- KEYS: load, journal, then one stream per lane
-- ARGV: names of the lanes
local now = clock()
local bytes = tonumber(redis.call('HGET', KEYS[1], 'bytes') or 0)
local oldest = now
if bytes > 0 then
  for i = 3, #KEYS do
    -- An entry is read with its body: lanes without any are not asked.
    if tonumber(redis.call('HGET', KEYS[1], ARGV[i - 2] .. ':entries') or 0) > 0 then
      local first = redis.call('XRANGE', KEYS[i], '-', '+', 'COUNT', 1)[1]
      oldest = math.min(oldest, first and tonumber(string.match(first[1], '^%d+')) or now)
    end
  end
end
return { bytes, now - oldest, redis.call('XLEN', KEYS[2]) }
