-- Subject create: a new person with an e-mail address.
local common = dofile(os.getenv("OUBLI_BENCH_LOAD") .. "/common.lua")
local before, after = '{"identifiers":[{"type":"email","value":"', '@new.example"}]}'
local head = common.head("POST", common.app .. "/subjects", #before + 19 + #after) .. before
common.wanted = '"subject":"sub_'

function request()
  return head .. common.fresh() .. after
end
