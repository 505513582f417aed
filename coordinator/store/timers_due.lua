-- Timers that are due, if the lane is where the caller believes (R10). Only reads.
--
-- KEYS: the lane's hash, its timers. ARGV: expected, now, how many at most.
-- Returns {1, when the first one that is not given rings or '', {member, due, ...}} or
-- {0, journal, applied}.

local found = redis.call('HMGET', KEYS[1], 'journal', 'applied')
if found[2] ~= ARGV[1] then
  return {0, found[1] or '', found[2] or ''}
end

local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[2], 'WITHSCORES', 'LIMIT', 0, ARGV[3])
for i = 2, #due, 2 do
  due[i] = string.format('%.0f', due[i])
end
local behind = redis.call('ZRANGE', KEYS[2], #due / 2, #due / 2, 'WITHSCORES')
return {1, behind[2] and string.format('%.0f', behind[2]) or '', due}
