#!lua flags=no-writes
-- Looks for an account's batch in the queue, without sending its body.
-- KEYS: stream
-- ARGV: id of the entry, account id
-- Returns how many events it has; nothing when it is not there or another account's.
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then
  return false
end
local owner, events
for i = 1, #entry[2], 2 do
  if entry[2][i] == 'o' then
    owner = entry[2][i + 1]
  elseif entry[2][i] == 'n' then
    events = tonumber(entry[2][i + 1])
  end
end
return owner == ARGV[2] and events
