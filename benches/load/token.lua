-- Token issue: client credentials for an access token.
local common = dofile(os.getenv("OUBLI_BENCH_LOAD") .. "/common.lua")
local file = assert(io.open(os.getenv("OUBLI_BENCH_FOLDER") .. "/token-form", "rb"))
local form = file:read("*a")
file:close()
local call = common.post("/oauth2/token", form, "application/x-www-form-urlencoded")
common.wanted = '"access_token":"'

function request()
  return call
end
