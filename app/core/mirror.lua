-- Write the mirror of one account, or remove it, unless what is there is newer.
--
-- KEYS: hash of the account, hash of its keys.
-- ARGV: revision, seconds for which a removal is remembered, how many fields and values follow for the account (none
--       removes the mirror), these, then fields and values for its keys.
-- Answers 0, or the newer revision, which stays.
--
-- The revision lives among the keys, where it can outlast the account's hash: after a removal it keeps a writer out that
-- read PostgreSQL before. No key id is called `revision`: they have twelve characters.

local known = tonumber(redis.call('HGET', KEYS[2], 'revision') or '0')
if known > tonumber(ARGV[1]) then
  return known
end

-- Deleting comes first: a full server lets a script that has begun to write go on, so that a revocation holds there too.
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[2], 'revision', ARGV[1])

local count = tonumber(ARGV[3])
if count == 0 then
  redis.call('EXPIRE', KEYS[2], ARGV[2])
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 4, 3 + count))
if #ARGV > 3 + count then
  redis.call('HSET', KEYS[2], unpack(ARGV, 4 + count))
end
return 0
