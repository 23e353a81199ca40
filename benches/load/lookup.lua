-- Lookup: whose e-mail address is this? The service computes the blind index; the baseline, which
-- has no key for that, is told it.
local common = dofile(os.getenv("OUBLI_BENCH_LOAD") .. "/common.lua")
local path = common.app .. "/subjects:lookup"
common.wanted = '"type":"email"'

if common.baseline then
  local indexes = common.lines("indexes")
  local before, after = '{"index":"', '"}'
  local head = common.head("POST", path, #before + indexes.length - 1 + #after) .. before
  function request()
    return head .. indexes:any() .. after
  end
else
  local before, after = '{"identifier":{"type":"email","value":"p', '@example.org"}}'
  local head = common.head("POST", path, #before + 7 + #after) .. before
  function request()
    return head .. string.format("%07d", common.random(common.subjects) - 1) .. after
  end
end
