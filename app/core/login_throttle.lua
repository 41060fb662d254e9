-- KEYS: counters, the first to be asked first. ARGV: window in ms, then the most of each.
-- Counts one try on all of them, or on none when one refuses it: refused tries keep nobody else out.
-- Returns the ms until the counter that refuses is over, 0 when none does.
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or 0) >= tonumber(ARGV[i + 1]) then
    return math.max(redis.call('PTTL', key), 1)
  end
end
for _, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then
    redis.call('PEXPIRE', key, ARGV[1])
  end
end
return 0
