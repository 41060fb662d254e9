#!lua flags=allow-oom
-- Takes one entry over from a worker that has been silent about it, and forgets consumers that have left nothing.
-- KEYS: redelivered, streams
-- ARGV: group, consumer, silence in ms, silence in ms after which a consumer without entries is forgotten
-- Returns the number of the stream, id, fields, redeliveries; nil when there is nothing.
local group, me = ARGV[1], ARGV[2]

local function forget_the_dead(stream)
  local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, group)
  if consumers.err then
    return
  end
  for _, consumer in ipairs(consumers) do
    local known = {}
    for i = 1, #consumer, 2 do
      known[consumer[i]] = consumer[i + 1]
    end
    if known.name ~= me and known.pending == 0 and known.idle > tonumber(ARGV[4]) then
      redis.call('XGROUP', 'DELCONSUMER', stream, group, known.name)
    end
  end
end

for i = 2, #KEYS do
  local from = '0-0'
  repeat
    local reply = redis.pcall('XAUTOCLAIM', KEYS[i], group, me, ARGV[3], from, 'COUNT', 1, 'JUSTID')
    if reply.err then
      break
    end
    from = reply[1]
    local id = reply[2][1]
    local entry = id and redis.call('XRANGE', KEYS[i], id, id)[1]
    if entry then
      return { i - 1, id, entry[2], redis.call('HINCRBY', KEYS[1], (i - 1) .. ':' .. id, 1) }
    end
  until from == '0-0'
  forget_the_dead(KEYS[i])
end
return false
