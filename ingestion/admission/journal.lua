-- What operators must hear of, written down together with what caused it: ingestion.journal carries it on to PostgreSQL.

-- Far more than happens while PostgreSQL is away for days; the oldest go first.
local MOST_ENTRIES = 10000

local function journal_change(key, account_id, before, after, cause)
  if before ~= after then
    redis.call('XADD', key, 'MAXLEN', '~', MOST_ENTRIES, '*', 'kind', 'circuit', 'account', account_id, 'before', before,
      'after', after, 'cause', cause)
  end
end

-- Once for each account, period and threshold: `<period>.notice` in the limits remembers the last. `day` is the day's number.
local function journal_quota(key, limits_key, account_id, period, day, threshold, used, limit)
  local field = period .. '.notice'
  local day_name, month_name = quota_names(day)
  local name = period == 'day' and day_name or month_name
  local before = redis.call('HGET', limits_key, field)
  if before == name .. ' ' .. threshold or before == name .. ' 100' then
    return
  end
  redis.call('HSET', limits_key, field, name .. ' ' .. threshold)
  redis.call('XADD', key, 'MAXLEN', '~', MOST_ENTRIES, '*', 'kind', 'quota', 'account', account_id, 'period', name,
    'threshold', threshold, 'used', used, 'quota', limit)
end
