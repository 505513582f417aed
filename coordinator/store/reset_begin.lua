-- A lane that is being emptied (R11) is absent to everybody, and knows who empties it. What an owner
-- wants to empty must be what it looked at: while it was held up, another may have built the lane.
--
-- KEYS: the lane's hash. ARGV: token; journal and applied as they were found, both '' where there
-- was no whole lane. Returns {1} or {0, journal, applied}.

local found = redis.call('HMGET', KEYS[1], 'journal', 'applied', 'reset')
local journal, applied = found[1] or '', found[2] or ''
local number = tonumber(applied)
if journal == '' or not number or math.abs(number) > 9.2e18 then
  if ARGV[2] ~= '' then
    return {0, journal, applied}
  end
elseif journal ~= ARGV[2] or (applied ~= ARGV[3] and number ~= tonumber(ARGV[3])) then
  return {0, journal, applied}
end
redis.call('UNLINK', KEYS[1])
redis.call('HSET', KEYS[1], 'reset', ARGV[1])
return {1}
