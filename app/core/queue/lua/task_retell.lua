#!lua flags=allow-oom
-- Writes a dead letter again with another reason and traceback, unless it was replayed or purged meanwhile. Entries of a
-- stream cannot be changed, so that it gets another id: `at` keeps the milliseconds at which it died.
-- KEYS: dead
-- ARGV: id, reason, traceback
-- Returns 1 if this call wrote it.
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not found then
  return 0
end
local told = { reason = ARGV[2], traceback = ARGV[3] }
local fields, dated = {}, false
for i = 1, #found[2], 2 do
  local name = found[2][i]
  dated = dated or name == 'at'
  fields[#fields + 1] = name
  fields[#fields + 1] = told[name] or found[2][i + 1]
end
if not dated then
  fields[#fields + 1] = 'at'
  fields[#fields + 1] = string.match(ARGV[1], '^%d+')
end
redis.call('XDEL', KEYS[1], ARGV[1])
redis.call('XADD', KEYS[1], '*', unpack(fields))
return 1
