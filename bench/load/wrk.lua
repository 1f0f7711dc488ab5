-- Sends the requests of a file (whole HTTP texts with RS between them) by turns. Arguments: the file, and how many to leave out at first.
local texts = {}
local at = 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for text in file:read("*a"):gmatch("[^\30]+") do texts[#texts + 1] = text end
  file:close()
  at = tonumber(args[2])
end

function request()
  at = at % #texts + 1
  return texts[at]
end

function done(summary)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("told requests=%d microseconds=%d statuses=%d broken=%d\n",
    summary.requests, summary.duration, errors.status, broken))
end
