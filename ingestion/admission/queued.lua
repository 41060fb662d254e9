#!lua flags=no-writes
-- Finds an account's entries in a stretch of a stream, without their bodies.
-- KEYS: stream
-- ARGV: owner, id to begin with, entries to look at
-- Answers the last id looked at ('' at the end of the stream), then id and events of each entry of the owner.
local entries = redis.call('XRANGE', KEYS[1], ARGV[2], '+', 'COUNT', ARGV[3])
local found = { #entries == tonumber(ARGV[3]) and entries[#entries][1] or '' }
for _, entry in ipairs(entries) do
  local fields, owner, events = entry[2], nil, nil
  for i = 1, #fields, 2 do
    if fields[i] == 'o' then
      owner = fields[i + 1]
    elseif fields[i] == 'n' then
      events = fields[i + 1]
    end
  end
  if owner == ARGV[1] then
    found[#found + 1] = entry[1]
    found[#found + 1] = events
  end
end
return found
