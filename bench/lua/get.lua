-- GET of the variants in turn; the requests are written once, before the clock starts.
require("measured")

local ready = {}

function init(arguments)
  read_variants(arguments)
  for place, path in ipairs(lines) do ready[place] = wrk.format("GET", path) end
end

function request() return ready[turn() % #ready + 1] end
