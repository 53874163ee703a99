-- POST of one new alert each. The first line is the path; the others are what stands before and after the id, a tab between.
require("measured")

local path
local before, after = {}, {}

function init(arguments)
  read_variants(arguments)
  path = table.remove(lines, 1)
  for place, line in ipairs(lines) do before[place], after[place] = line:match("^(.-)\t(.*)$") end
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  local number = turn()
  local place = number % #before + 1
  local id = string.format("%08x-ffff-4000-8000-%012x", number, number)
  return wrk.format("POST", path, nil, before[place] .. id .. after[place])
end
