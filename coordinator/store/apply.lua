-- All that a batch changed of a lane but the states themselves, or nothing (R9). The states are
-- set by the transaction that this script ends: Lua would hash every byte of them.
--
-- KEYS: the lane's hash, its timers, then the keys of the steps in their order.
-- ARGV: journal, expected, applied, chain, owner, now, how many steps; then of each step its
--   command, number of keys, number of arguments; then the arguments of all steps in their order.
--   RPUSH: each key takes as many arguments as the one before them says. HINCRBY: the one key takes fields, each
--   named once, with its number behind it; a field that comes to 0 goes, so that there are no more than there is to count.
--   Else one key takes all arguments, and of several keys each takes one, the first the first.
-- Returns {1, when the earliest timer rings or ''} or {0, journal, applied}, both '' where there
-- is no lane.

-- unpack puts its results on Lua's stack, which ends at 8000. Even, so that score and member stay
-- together.
local PORTION = 4000

local call = redis.call
local found = call('HMGET', KEYS[1], 'journal', 'applied')
if found[1] ~= ARGV[1] or found[2] ~= ARGV[2] then
  return {0, found[1] or '', found[2] or ''}
end

-- Three calls for all fields: a call for each would take longer than all that the batch writes of them.
local function add(key, first, last)
  local fields, set, gone = {}, {}, {}
  for i = first, last, 2 do
    fields[#fields + 1] = ARGV[i]
  end
  local values = call('HMGET', key, unpack(fields))
  for i = 1, #fields do
    local sum = (tonumber(values[i]) or 0) + tonumber(ARGV[first + 2 * i - 1])
    if sum ~= 0 then
      set[#set + 1] = fields[i]
      set[#set + 1] = string.format('%.0f', sum)
    elseif values[i] then
      gone[#gone + 1] = fields[i]
    end
  end
  if #set > 0 then
    call('HSET', key, unpack(set))
  end
  if #gone > 0 then
    call('HDEL', key, unpack(gone))
  end
end

local steps = tonumber(ARGV[7])
local key, at = 3, 8 + 3 * steps
for step = 8, at - 1, 3 do
  local command, keys, count = ARGV[step], tonumber(ARGV[step + 1]), tonumber(ARGV[step + 2])
  if command == 'RPUSH' then
    local first = at
    for i = key, key + keys - 1 do
      local last = first + tonumber(ARGV[first])
      call(command, KEYS[i], unpack(ARGV, first + 1, last))
      first = last + 1
    end
  elseif command == 'HINCRBY' then
    for first = at, at + count - 1, PORTION do
      add(KEYS[key], first, math.min(first + PORTION, at + count) - 1)
    end
  elseif keys == 1 then
    for first = at, at + count - 1, PORTION do
      call(command, KEYS[key], unpack(ARGV, first, math.min(first + PORTION, at + count) - 1))
    end
  else
    local offset = at - key
    for i = key, key + keys - 1 do
      call(command, KEYS[i], ARGV[i + offset])
    end
  end
  key, at = key + keys, at + count
end

-- Last: where a step fails, `applied` still says what came before.
call('HSET', KEYS[1], 'owner', ARGV[5], 'heartbeat', ARGV[6], 'applied', ARGV[3], 'chain', ARGV[4])
local first = call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
return {1, first[2] and string.format('%.0f', first[2]) or ''}
