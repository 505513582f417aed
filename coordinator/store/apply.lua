-- All that a batch changed of a lane, or nothing (R9).
--
-- KEYS: the lane's hash, its timers, then the keys of the steps in their order.
-- ARGV: journal, expected, applied, chain, owner, now, then the steps, each
--   command, number of keys, number of arguments, the arguments.
--   No arguments: the command takes the keys. One key: it takes the key and all arguments.
--   Otherwise key and argument go together, the first with the first.
-- Returns {1, when the earliest timer rings or ''} or {0, journal, applied}, both '' where there
-- is no lane.

-- unpack puts its results on Lua's stack, which ends at 8000. Even, so that score and member stay
-- together.
local PORTION = 4000

local found = redis.call('HMGET', KEYS[1], 'journal', 'applied')
if found[1] ~= ARGV[1] or found[2] ~= ARGV[2] then
  return {0, found[1] or '', found[2] or ''}
end

-- First, because a Redis without memory refuses it before anything was written. Nothing hangs on
-- these two.
redis.call('HSET', KEYS[1], 'owner', ARGV[5], 'heartbeat', ARGV[6])

local function in_portions(list, from, count, call)
  for first = from, from + count - 1, PORTION do
    call(unpack(list, first, math.min(first + PORTION, from + count) - 1))
  end
end

local key, at = 3, 7
while ARGV[at] do
  local command, keys, count = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  at = at + 3
  if count == 0 then
    in_portions(KEYS, key, keys, function(...) redis.call(command, ...) end)
  elseif keys == 1 then
    local only = KEYS[key]
    in_portions(ARGV, at, count, function(...) redis.call(command, only, ...) end)
  else
    for i = 0, keys - 1 do
      redis.call(command, KEYS[key + i], ARGV[at + i])
    end
  end
  key, at = key + keys, at + count
end

-- Last: where a step fails, `applied` still says what came before.
redis.call('HSET', KEYS[1], 'applied', ARGV[3], 'chain', ARGV[4])
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
return {1, first[2] and string.format('%.0f', first[2]) or ''}
