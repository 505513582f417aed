-- States of sagas, if the lane is where the caller believes (R10).
--
-- KEYS: the lane's hash, then the states. ARGV: expected.
-- Returns {1, {a state or nil, ...}} or {0, journal, applied}.

local PORTION = 4000 -- unpack puts its results on Lua's stack, which ends at 8000

local found = redis.call('HMGET', KEYS[1], 'journal', 'applied')
if found[2] ~= ARGV[1] then
  return {0, found[1] or '', found[2] or ''}
end

local states = {}
for first = 2, #KEYS, PORTION do
  local last = math.min(first + PORTION - 1, #KEYS)
  for i, state in ipairs(redis.call('MGET', unpack(KEYS, first, last))) do
    states[first + i - 2] = state
  end
end
return {1, states}
