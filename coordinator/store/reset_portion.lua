-- Part of emptying a lane (R11). Whoever began last has its token in the lane's hash: an owner that
-- was held up half-way must not delete what the next owner has rebuilt meanwhile.
--
-- KEYS: the lane's hash, then keys to delete. ARGV: token; with the last portion also journal,
-- applied, lanes.
-- Returns {1} or {0, journal, applied}.

local found = redis.call('HMGET', KEYS[1], 'journal', 'applied', 'reset')
if found[3] ~= ARGV[1] then
  return {0, found[1] or '', found[2] or ''}
end
for i = 2, #KEYS do
  redis.call('UNLINK', KEYS[i])
end
if ARGV[2] then
  redis.call('HSET', KEYS[1], 'journal', ARGV[2], 'applied', ARGV[3], 'lanes', ARGV[4])
  redis.call('HDEL', KEYS[1], 'reset')
end
return {1}
