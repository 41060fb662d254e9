#!lua flags=allow-oom
-- Notes the result of one member of a chord; a member that runs twice counts once.
-- KEYS: chords
-- ARGV: chord, index, size, result, time to live in ms
-- Returns the results of all members once the last of them is there and the callback was not enqueued yet, else nil.
local chord, index, size = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('HEXISTS', KEYS[1], chord .. ':fired') == 1 then
  return false
end
redis.call('HSETNX', KEYS[1], chord .. ':' .. index, ARGV[4])
redis.call('HPEXPIRE', KEYS[1], ARGV[5], 'FIELDS', 1, chord .. ':' .. index)
local results = {}
for i = 0, size - 1 do
  local result = redis.call('HGET', KEYS[1], chord .. ':' .. i)
  if not result then
    return false
  end
  results[i + 1] = result
end
return results
