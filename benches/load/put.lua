-- Record put: a new record of 1 KiB of a random person.
local common = dofile(os.getenv("OUBLI_BENCH_LOAD") .. "/common.lua")
local subjects, record = common.lines("subjects"), common.record()
local first = "PUT " .. common.app .. "/subjects/"
local head = common.head("PUT", "", #record)
local rest = head:sub(#"PUT " + 1) .. record
common.wanted = '"version":1'

function request()
  return first .. subjects:any() .. "/records/profile/" .. common.fresh() .. rest
end
