-- Whether a key may do something; what is known of it is a field of its account's mirror, `digest expiry scopes`.

-- Returns nil when it may, else `unauthorized` (unknown, wrong, revoked or expired) or `forbidden` (without the scope).
local function key_refusal(keyring, key_id, digest, scope, now)
  local known_digest, expires, scopes = string.match(redis.call('HGET', keyring, key_id) or '', '^(%x+) (%d+) (.*)$')
  if known_digest ~= digest or (expires ~= '0' and tonumber(expires) * 1000 <= now) then
    return 'unauthorized'
  end
  if not string.find(',' .. scopes .. ',', ',' .. scope .. ',', 1, true) then
    return 'forbidden'
  end
end
