-- PATCH of the status, always to another one: the three statuses in turn, each round over all variants one further.
-- A variant is a path, a tab, and the number of the status that the alert has at first.
require("measured")

local statuses = {"new", "inProgress", "resolved"}
local paths, places = {}, {}

function init(arguments)
  read_variants(arguments)
  for place, line in ipairs(lines) do
    local path, status = line:match("^(.-)\t(%d)$")
    paths[place], places[place] = path, tonumber(status)
  end
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  local number = turn()
  local place = number % #paths + 1
  local status = statuses[(places[place] + 1 + math.floor(number / #paths)) % 3 + 1]
  return wrk.format("PATCH", paths[place], nil, '{"status":"' .. status .. '"}')
end
