-- What wrk asks of the HTTP API: the paths in a file, a line each, one after the other (api_wrk.c writes it).
local requests, at = {}, 0

function init(arguments)
  for path in io.lines(arguments[1]) do requests[#requests + 1] = wrk.format("GET", path) end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

-- Read by api_wrk.c: requests, seconds, p50 and p99 in milliseconds, and how many were refused or lost.
function done(summary, latency)
  local errors = summary.errors
  print(string.format("asked %d %f %f %f %d", summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
