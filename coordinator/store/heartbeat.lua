-- An idle lane confirms where it is and that its owner lives (R9).
--
-- KEYS: the lane's hash. ARGV: expected, owner, now. Returns {1} or {0, journal, applied}.

local found = redis.call('HMGET', KEYS[1], 'journal', 'applied')
if found[2] ~= ARGV[1] then
  return {0, found[1] or '', found[2] or ''}
end
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'heartbeat', ARGV[3])
return {1}
