-- Record get: a record of 1 KiB of a random person, for a purpose.
local common = dofile(os.getenv("OUBLI_BENCH_LOAD") .. "/common.lua")
local subjects = common.lines("subjects")
local mark = string.rep("x", 36)
local path = common.app .. "/subjects/" .. mark .. "/records/profile/main?purpose=delivery"
local head = common.head("GET", path)
local at = head:find(mark, 1, true)
local before, after = head:sub(1, at - 1), head:sub(at + #mark)
common.wanted = '"version":1'

function request()
  return before .. subjects:any() .. after
end
