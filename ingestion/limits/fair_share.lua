-- The fair share of fair_share.py. `accounts` is a function, because counting them is a command, and seldom needed.

local FAIR_FLOOR = 500

local function above_fair_share(in_flight, accounts, bundle)
  return in_flight >= FAIR_FLOOR and in_flight >= bundle / math.max(accounts(), 1)
end
