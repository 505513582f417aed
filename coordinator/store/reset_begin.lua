-- A lane that is being emptied (R11) is absent to everybody, and knows who empties it.
--
-- KEYS: the lane's hash. ARGV: token. Returns {1}.

redis.call('UNLINK', KEYS[1])
redis.call('HSET', KEYS[1], 'reset', ARGV[1])
return {1}
