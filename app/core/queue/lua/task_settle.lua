#!lua flags=allow-oom
-- Acknowledges a task and writes, in the same instant, everything that follows from its end: so a kill at any moment
-- leaves either the task or its consequences, never both and never neither. Whoever acknowledges first decides; the
-- consequences of a second run are dropped.
-- KEYS: the entry's stream, high, normal, schedule, data, chords, dead, redelivered, unknown
-- ARGV: group, id, name, then operations: their name and a fixed number of values
-- Returns 1 if this call was the first to acknowledge.
local HIGH, SCHEDULE, DATA, CHORDS, DEAD = 2, 4, 5, 6, 7
local at = 4

local function value()
  at = at + 1
  return ARGV[at - 1]
end

local function enqueue(stream, payload, attempts, redeliveries)
  redis.call('XADD', KEYS[HIGH - 1 + stream], '*', 'm', payload, 'e', attempts, 'r', redeliveries)
end

local operations = {
  enqueue = function()
    enqueue(value(), value(), value(), value())
  end,
  schedule = function()
    redis.call('ZADD', KEYS[SCHEDULE], value(), value())
  end,
  delete = function()
    redis.call('HDEL', KEYS[DATA], value())
  end,
  -- The callback of a chord: whichever member was last, and however often it was delivered.
  fire = function()
    local chord, size, ttl, stream, payload = value(), value(), value(), value(), value()
    if redis.call('HSETNX', KEYS[CHORDS], chord .. ':fired', 1) == 1 then
      redis.call('HPEXPIRE', KEYS[CHORDS], ttl, 'FIELDS', 1, chord .. ':fired')
      for i = 0, size - 1 do
        redis.call('HDEL', KEYS[CHORDS], chord .. ':' .. i)
      end
      enqueue(stream, payload, 0, 0)
    end
  end,
  dead = function()
    redis.call('XADD', KEYS[DEAD], '*', 't', value(), 'reason', value(), 'traceback', value(), 'e', value(), 'm', value())
  end,
}

if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  return 0
end
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('HDEL', KEYS[8], ARGV[3])
redis.call('HDEL', KEYS[9], ARGV[3])
while ARGV[at] do
  operations[value()]()
end
return 1
