#!lua flags=allow-oom
-- Delivers one new task, and makes the groups that are missing.
-- KEYS: streams, in the order in which they are asked
-- ARGV: group, consumer
-- Returns the number of the stream, id, fields; nil when there is nothing.
for i = 1, #KEYS do
  local reply = redis.pcall('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', 1, 'STREAMS', KEYS[i], '>')
  if reply and reply.err then
    if not string.find(reply.err, 'NOGROUP', 1, true) then
      error(reply.err)
    end
    redis.call('XGROUP', 'CREATE', KEYS[i], ARGV[1], '0', 'MKSTREAM')
    reply = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', 1, 'STREAMS', KEYS[i], '>')
  end
  if reply then
    local entry = reply[1][2][1]
    return { i, entry[1], entry[2] }
  end
end
return false
