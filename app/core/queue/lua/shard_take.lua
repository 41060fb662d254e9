#!lua flags=allow-oom
-- Takes work of one shard: one entry that must be delivered again, alone, or else new entries of all lanes in turn.
--
-- One consumer name serves every worker, because the lease lets one worker at a time take from a shard, one bundle
-- at a time. So whatever is pending when this script starts and is not in the schedule was taken by a worker that
-- died, or by a call whose answer was lost: it is an orphan, and is put into the schedule as due at once.
--
-- KEYS: lease, schedule, attempts, load, one stream per lane in draining order
-- ARGV: worker, group, consumer, letters of the lanes, lanes in rotation (one digit a turn), first turn,
--       largest number of entries, of events, of bytes, entries read in one turn, events of the last lane,
--       1 when the last lane may fill the bundle if nothing waits in the others
-- Returns nil when the lease is not the worker's; otherwise next turn, entries as {lane, id, fields}, and for an
-- entry delivered again its attempts and redeliveries.
local worker, group, consumer, letters, rotation = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local turn = tonumber(ARGV[6])
local entries_left, events_left, bytes_left = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local at_once, last_lane_left, may_fill = tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12] == '1'
local schedule, attempts, load = KEYS[2], KEYS[3], KEYS[4]
local FIRST_STREAM = 4
local lanes = #KEYS - FIRST_STREAM

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function stream(lane)
  return KEYS[FIRST_STREAM + lane]
end

-- Counts what is pending, and makes the group of a stream that has none (a new shard, or a server emptied by hand).
local function pending()
  local total = 0
  for lane = 1, lanes do
    local summary = redis.pcall('XPENDING', stream(lane), group)
    if not summary.err then
      total = total + summary[1]
    elseif string.find(summary.err, 'NOGROUP', 1, true) then
      redis.call('XGROUP', 'CREATE', stream(lane), group, '0', 'MKSTREAM')
    else
      error(summary.err)
    end
  end
  return total
end

-- Orphans are due by their age, so that they keep their order; one that was an orphan before goes behind the others, also
-- behind those of this very millisecond, for if it kills workers, they shall not wait for it. A clock that was set back makes
-- nobody wait.
local function adopt(orphans)
  for lane = 1, lanes do
    local from = '-'
    while orphans > 0 and from do
      local page = redis.call('XPENDING', stream(lane), group, from, '+', 100)
      from = page[100] and '(' .. page[100][1]
      for _, row in ipairs(page) do
        local member = string.sub(letters, lane, lane) .. row[1]
        if not redis.call('ZSCORE', schedule, member) then
          local due = now + 1
          if redis.call('HINCRBY', attempts, 'r:' .. member, 1) == 1 then
            local ms, sequence = string.match(row[1], '^(%d+)-(%d+)$')
            due = math.min(tonumber(ms), now) + math.min(tonumber(sequence), 4095) / 4096
          end
          redis.call('ZADD', schedule, string.format('%.17g', due), member)
          orphans = orphans - 1
        end
      end
    end
  end
end

-- Taking an entry out of the schedule is what puts it into the worker's hand.
local function again()
  while true do
    local member = redis.call('ZRANGE', schedule, '-inf', now + 1, 'BYSCORE', 'LIMIT', 0, 1)[1]
    if not member then
      return nil
    end
    redis.call('ZREM', schedule, member)
    local lane, id = string.find(letters, string.sub(member, 1, 1), 1, true), string.sub(member, 2)
    local found = redis.call('XRANGE', stream(lane), id, id)[1]
    if found then
      local known = redis.call('HMGET', attempts, 'a:' .. member, 'r:' .. member)
      return { { lane, found[1], found[2] } }, { known[1] or 0, known[2] or 0 }
    end
    -- Settled meanwhile by the worker from which it was taken over.
    redis.call('XACK', stream(lane), group, id)
    redis.call('HDEL', attempts, 'a:' .. member, 'r:' .. member, 'e:' .. member, 'u:' .. member)
  end
end

-- The average entry of a lane says how many entries one command may read without passing a bound by far. Tells also
-- whether anything waits in another lane than the last.
local function chunks()
  local known, company = {}, false
  for lane = 1, lanes do
    local name = string.match(stream(lane), '[^:]+$')
    local sums = redis.call('HMGET', load, name .. ':entries', name .. ':events', name .. ':bytes')
    local entries = math.max(tonumber(sums[1] or 0), 1)
    company = company or lane < lanes and tonumber(sums[1] or 0) > 0
    known[lane] = { math.max((sums[2] or 0) / entries, 1), math.max((sums[3] or 0) / entries, 1) }
  end
  return known, company
end

local function new()
  local taken, empty, empties = {}, {}, 0
  local average, company = chunks()
  if may_fill and not company then
    last_lane_left = events_left
  end
  while empties < lanes and entries_left > 0 and events_left > 0 and bytes_left > 0 do
    local lane = tonumber(string.sub(rotation, turn + 1, turn + 1))
    turn = (turn + 1) % #rotation
    if not empty[lane] then
      local events = lane == lanes and math.min(events_left, last_lane_left) or events_left
      local bound = math.min(at_once, entries_left, events / average[lane][1], bytes_left / average[lane][2])
      local count = math.max(math.floor(bound), 1)
      local reply = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream(lane), '>')
      local read = reply and reply[1][2] or {}
      for _, entry in ipairs(read) do
        local fields = entry[2]
        entries_left = entries_left - 1
        for i = 1, #fields, 2 do
          if fields[i] == 'n' then
            events_left = events_left - (tonumber(fields[i + 1]) or 0)
            last_lane_left = last_lane_left - (lane == lanes and tonumber(fields[i + 1]) or 0)
          elseif fields[i] == 'd' then
            bytes_left = bytes_left - #fields[i + 1]
          end
        end
        taken[#taken + 1] = { lane, entry[1], fields }
      end
      if #read < count or (lane == lanes and last_lane_left <= 0) then
        empty[lane] = true
        empties = empties + 1
      end
    end
  end
  return taken
end

if redis.call('GET', KEYS[1]) ~= worker then
  return false
end
local in_flight = pending()
local orphans = in_flight - redis.call('ZCARD', schedule)
if in_flight == 0 then
  -- What is remembered of entries that a worker settled after it had lost them.
  redis.call('DEL', schedule, attempts)
elseif orphans > 0 then
  adopt(orphans)
end
local alone, known = again()
if alone then
  return { turn, alone, known }
end
local taken = new()
return { turn, taken, false }
