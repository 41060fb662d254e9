#!lua flags=no-writes
-- Reads the messages that no worker has taken yet, without taking them.
-- KEYS: streams
-- ARGV: group, largest number
local messages = {}
for _, stream in ipairs(KEYS) do
  local after = '-'
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  for _, group in ipairs(groups.err and {} or groups) do
    local known = {}
    for i = 1, #group, 2 do
      known[group[i]] = group[i + 1]
    end
    if known.name == ARGV[1] then
      after = '(' .. known['last-delivered-id']
    end
  end
  local left = tonumber(ARGV[2]) - #messages
  if left > 0 then
    for _, entry in ipairs(redis.call('XRANGE', stream, after, '+', 'COUNT', left)) do
      messages[#messages + 1] = entry[2][2]
    end
  end
end
return messages
