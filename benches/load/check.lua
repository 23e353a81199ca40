-- Consent check: does a purpose hold for a random person?
local common = dofile(os.getenv("OUBLI_BENCH_LOAD") .. "/common.lua")
local subjects = common.lines("subjects")
local before, after = '{"subject":"', '","purpose":"newsletter"}'
local head = common.head("POST", common.app .. "/consents:check", #before + 36 + #after) .. before
common.wanted = '"permitted":true'

function request()
  return head .. subjects:any() .. after
end
