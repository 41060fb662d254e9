#!lua flags=allow-oom
-- Takes note that alerts were evaluated just now.
-- KEYS: when alerts were last evaluated (ms)
local time = redis.call('TIME')
redis.call('SET', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000))
return 1
