-- POST of the same form each time. The first line is the path, the second the body.
require("measured")

local ready

function init(arguments)
  read_variants(arguments)
  ready = wrk.format("POST", lines[1], {["Content-Type"] = "application/x-www-form-urlencoded"}, lines[2])
end

function request()
  turn()
  return ready
end
