-- The quotas of quota.py. State: fields of a hash, `day` (days since 1970) and `month` (months since the year 0), by which a
-- period is known, and `day.events` and `month.events`.

local DAY_MS = 86400000

-- Days since 1970 → year and month, by the civil calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
local function civil(days)
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  return yoe + era * 400 + (month <= 2 and 1 or 0), month, day
end

-- Returns the day and the month that `now` (unix milliseconds) lies in; of the same day as was kept, the month is the same too.
local function quota_periods(now, kept_day, kept_month)
  local day = math.floor(now / DAY_MS)
  if tonumber(kept_day) == day and tonumber(kept_month) then
    return day, tonumber(kept_month)
  end
  local year, month = civil(day)
  return day, year * 12 + month - 1
end

-- Returns the names of a day and its month, `2026-11-22` and `2026-11`.
local function quota_names(day)
  local year, month, date = civil(day)
  return string.format('%04d-%02d-%02d', year, month, date), string.format('%04d-%02d', year, month)
end

-- Returns the events counted in a period, from what was kept of one that may be another.
local function quota_used(kept_period, kept_events, period)
  return tonumber(kept_period) == period and tonumber(kept_events) or 0
end

-- `limit` is nil where there is none.
local function quota_fits(used, limit, cost)
  return limit == nil or used + cost <= limit
end

-- Returns the highest threshold (per cent) that is reached, 0 below them all.
local function quota_threshold(used, limit)
  if limit == nil or used * 100 < limit * 80 then
    return 0
  end
  return used >= limit and 100 or 80
end
