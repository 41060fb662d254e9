-- KEYS: counters. ARGV: window in ms, then the most of each. Counts one try on all of them, refused or not.
-- Returns the ms until the longest of those that are beyond their most is over, 0 when none is.
local wait = 0
for i, key in ipairs(KEYS) do
  local tries = redis.call('INCR', key)
  if tries == 1 then
    redis.call('PEXPIRE', key, ARGV[1])
  end
  if tries > tonumber(ARGV[i + 1]) then
    wait = math.max(wait, redis.call('PTTL', key), 1)
  end
end
return wait
