-- Runs a command on something that may be lost with the server: replicas hear of it, and the log on the disk does not, so
-- that nobody who reads waits for a disk.
-- KEYS: what it is about
-- ARGV: the command, and what follows its key
redis.set_repl(redis.REPL_REPLICA)
return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))
