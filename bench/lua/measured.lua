-- What every script has: the counter that picks the next variant, and the line that hands the numbers over.
-- Arguments after `--`: a file of variants, one a line, and where to start in it.

issued = 0
first = 0
lines = {}

function read_variants(arguments)
  for line in io.lines(arguments[1]) do lines[#lines + 1] = line end
  first = tonumber(arguments[2])
end

-- The number of this request since the first run, from zero.
function turn()
  local number = first + issued
  issued = issued + 1
  return number
end

local threads = {}

function setup(thread) threads[#threads + 1] = thread end

function done(summary, latency, requests)
  local asked = 0
  for _, thread in ipairs(threads) do asked = asked + thread:get("issued") end
  local failed = summary.errors
  print(string.format(
    'MEASURED {"requests": %d, "issued": %d, "microseconds": %d, "bytes": %d, "p50": %d, "p99": %d, '
    .. '"refused": %d, "broken": %d}',
    summary.requests, asked, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    failed.status, failed.connect + failed.read + failed.write + failed.timeout))
end
