-- Counts who answers: the body names the worker.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init()
  answers = {}
end

function response(status, headers, body)
  answers[body] = (answers[body] or 0) + 1
end

function done()
  for _, thread in ipairs(threads) do
    for worker, count in pairs(thread:get("answers")) do
      print("worker " .. worker .. ": " .. count)
    end
  end
end
