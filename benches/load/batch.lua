-- Batch put: 100 new records of 1 KiB of random people in one call.
local common = dofile(os.getenv("OUBLI_BENCH_LOAD") .. "/common.lua")
local subjects, record = common.lines("subjects"), common.record()
local ITEMS = 100
common.wanted, common.unwanted = '"status":201', '"problem":'
common.look_at_items(ITEMS)

function request()
  local items = {}
  for item = 1, ITEMS do
    items[item] = '{"subject":"' .. subjects:any() .. '","category":"profile","record":"'
      .. common.fresh() .. '","body":' .. record .. "}"
  end
  return common.post(common.app .. "/records:batch", '{"items":[' .. table.concat(items, ",") .. "]}")
end
