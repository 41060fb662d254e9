#!lua flags=allow-oom
-- Acknowledges and deletes entries, and takes them out of the account. Only the first to acknowledge an entry counts
-- it, so a worker that comes back after its work was taken over changes nothing.
-- KEYS: schedule, attempts, load, inflight, one stream per lane
-- ARGV: group, letters of the lanes, names of the lanes (joined by commas), 1 if delivered again,
--       then per entry: lane, id, owner, events, bytes
-- Returns the number of entries settled by this call.
local group, letters, again = ARGV[1], ARGV[2], ARGV[4] == '1'
local names = {}
for name in string.gmatch(ARGV[3], '[^,]+') do
  names[#names + 1] = name
end
local FIRST_STREAM = 4
local settled, owners, sums = 0, {}, {}

for i = 5, #ARGV, 5 do
  local lane, id, owner = tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2]
  local events, bytes = tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4])
  if redis.call('XACK', KEYS[FIRST_STREAM + lane], group, id) == 1 then
    local sum = sums[lane] or { ids = {}, entries = 0, events = 0, bytes = 0 }
    sums[lane] = sum
    sum.ids[#sum.ids + 1] = id
    sum.entries, sum.events, sum.bytes = sum.entries + 1, sum.events + events, sum.bytes + bytes
    owners[owner] = (owners[owner] or 0) + events
    settled = settled + 1
  end
  if again then
    local member = string.sub(letters, lane, lane) .. id
    redis.call('ZREM', KEYS[1], member)
    redis.call('HDEL', KEYS[2], 'a:' .. member, 'r:' .. member, 'e:' .. member, 'u:' .. member)
  end
end

for lane, sum in pairs(sums) do
  -- unpack() has room for some thousands of values.
  for first = 1, #sum.ids, 5000 do
    redis.call('XDEL', KEYS[FIRST_STREAM + lane], unpack(sum.ids, first, math.min(first + 4999, #sum.ids)))
  end
  for _, field in ipairs({ 'entries', 'events', 'bytes' }) do
    redis.call('HINCRBY', KEYS[3], field, -sum[field])
    redis.call('HINCRBY', KEYS[3], names[lane] .. ':' .. field, -sum[field])
  end
end
for owner, events in pairs(owners) do
  if redis.call('HINCRBY', KEYS[4], owner, -events) <= 0 then
    redis.call('HDEL', KEYS[4], owner)
  end
end
return settled
