-- KEYS: counters of a try that was right. It is taken back from those that are there still, and what others tried stays.
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or 0) > 0 then
    redis.call('DECR', key)
  end
end
return 0
