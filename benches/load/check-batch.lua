-- Bulk check: 1,000 random people in one call. The calls are made before the run and taken in turn.
local common = dofile(os.getenv("OUBLI_BENCH_LOAD") .. "/common.lua")
local subjects = common.lines("subjects")
local CALLS, ITEMS = 64, 1000
local calls, next_call = {}, 0
common.wanted, common.unwanted = '"permitted":true', '"permitted":false'
common.look_at_items(ITEMS)

function init()
  for call = 1, CALLS do
    local items = {}
    for item = 1, ITEMS do
      items[item] = '{"subject":"' .. subjects:any() .. '","purpose":"newsletter"}'
    end
    local body = '{"items":[' .. table.concat(items, ",") .. "]}"
    calls[call] = common.post(common.app .. "/consents:check-batch", body)
  end
end

function request()
  next_call = next_call % CALLS + 1
  return calls[next_call]
end
