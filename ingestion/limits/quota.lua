-- The quotas of quota.py. State: fields of a hash, `day` and `month` (the period's name), `day.events` and `month.events`.

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

-- Returns the names of the day and the month that `now` (unix milliseconds) lies in.
local function periods(now)
  local year, month, day = civil(math.floor(now / 86400000))
  return string.format('%04d-%02d-%02d', year, month, day), string.format('%04d-%02d', year, month)
end

-- Returns the events counted in the period called `name`, from what was kept of a period that may be another.
local function quota_used(kept_name, kept_events, name)
  return kept_name == name and tonumber(kept_events) or 0
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
