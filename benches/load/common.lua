-- What the scripts of all operations share: requests as ready text, random subjects, ids that come
-- once, and the judgement of answers. Settings come in the environment, from load.rs.
--
-- wrk runs this file once for each thread and once more for itself.

local common = {}

local function setting(name)
  return os.getenv("OUBLI_BENCH_" .. name) or error("OUBLI_BENCH_" .. name .. " is not set")
end

local host, token, run = setting("HOST"), setting("TOKEN"), tonumber(setting("RUN"))
local checking = setting("CHECK") == "1"

common.app = "/v1/apps/bench"
common.subjects = tonumber(setting("SUBJECTS"))
common.baseline = setting("TARGET") == "baseline"

-- The thread's number; each thread has a state of its own.
number = 0
local threads = {}
function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end

-- A random number that differs between runs and threads.
local seeded = false
function common.random(most)
  if not seeded then
    math.randomseed(run * 1000 + number)
    seeded = true
  end
  return math.random(most)
end

-- The lines of a file whose lines all have the same length; the file is held as one text.
local Lines = {}
Lines.__index = Lines
function common.lines(name)
  local file = assert(io.open(setting("FOLDER") .. "/" .. name, "rb"))
  local text = file:read("*a")
  file:close()
  local length = text:find("\n", 1, true)
  return setmetatable({ text = text, length = length, count = #text / length }, Lines)
end
function Lines:any()
  local at = (common.random(self.count) - 1) * self.length
  return self.text:sub(at + 1, at + self.length - 1)
end

-- An id that no other call gives, 19 characters.
local calls = 0
function common.fresh()
  calls = calls + 1
  return string.format("r%04d-%02d-%010d", run, number, calls)
end

-- The text of a request up to its body. `length` is that of the body in bytes, none for no body.
function common.head(method, path, length, kind)
  local lines = { method .. " " .. path .. " HTTP/1.1", "Host: " .. host }
  if token ~= "" then
    table.insert(lines, "Authorization: Bearer " .. token)
  end
  if length then
    table.insert(lines, "Content-Type: " .. (kind or "application/json"))
    table.insert(lines, "Content-Length: " .. length)
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

function common.post(path, body, kind)
  return common.head("POST", path, #body, kind) .. body
end

-- A record of 1 KiB, as the import writes it.
function common.record()
  local file = assert(io.open(setting("FOLDER") .. "/record.json", "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function times(text, body)
  local count, at = 0, 0
  repeat
    at = body:find(text, at + 1, true)
    count = count + (at and 1 or 0)
  until not at
  return count
end

-- A run that checks looks at each answer; one that measures leaves that to wrk's own counter of
-- statuses above 399, because looking costs time. `wanted` must be in each body, as often as there
-- are items, and `unwanted` in none.
common.wanted, common.unwanted, common.items = nil, nil, 1
statuses, bad, first_bad = "", 0, ""
local function look()
  local counts = {}
  function response(status, headers, body)
    counts[status] = (counts[status] or 0) + 1
    local good = status >= 200 and status < 300
      and times(common.wanted, body) == common.items
      and not (common.unwanted and body:find(common.unwanted, 1, true))
    if not good then
      bad = bad + 1
      if first_bad == "" then
        first_bad = body:sub(1, 2000)
      end
    end
    local texts = {}
    for known, count in pairs(counts) do
      table.insert(texts, known .. ": " .. count)
    end
    statuses = table.concat(texts, ", ")
  end
end
if checking then
  look()
end

-- For batches: an item fails in an answer of 200, which wrk does not count, so each answer is looked
-- at in every run. There are few.
function common.look_at_items(count)
  common.items = count
  look()
end

local function quoted(text)
  local escaped = text:gsub('[%z\1-\31\\"]', function(character)
    return string.format("\\u%04x", character:byte())
  end)
  return '"' .. escaped .. '"'
end

function done(summary, latency)
  local errors, all, body, badly = summary.errors, {}, "", 0
  for _, thread in ipairs(threads) do
    table.insert(all, thread:get("statuses"))
    badly = badly + thread:get("bad")
    if body == "" then
      body = thread:get("first_bad")
    end
  end
  local members = {
    '"requests":' .. summary.requests,
    '"micros":' .. summary.duration,
    '"p50":' .. latency:percentile(50),
    '"p99":' .. latency:percentile(99),
    '"most":' .. latency.max,
    '"refused":' .. errors.status,
    '"timeouts":' .. errors.timeout,
    '"socket_errors":' .. errors.connect + errors.read + errors.write,
    '"bad":' .. badly,
    '"statuses":' .. quoted(table.concat(all, "; ")),
    '"first_bad":' .. quoted(body),
  }
  io.write("RESULT {" .. table.concat(members, ",") .. "}\n")
end

return common
