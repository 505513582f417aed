-- A lane that was built from a snapshot is whole from now on (R11).
--
-- KEYS: the lane's hash. ARGV: token, expected, journal, applied. Returns {1} or {0, journal, applied}.

local found = redis.call('HMGET', KEYS[1], 'journal', 'applied')
if found[1] ~= ARGV[1] or found[2] ~= ARGV[2] then
  return {0, found[1] or '', found[2] or ''}
end
redis.call('HSET', KEYS[1], 'journal', ARGV[3], 'applied', ARGV[4])
return {1}
