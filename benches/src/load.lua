-- Sends a counted number of requests, lines of a file by chance, and stops when the last one is answered.
-- Arguments: the file, requests and connections of one thread, milliseconds between two of a connection.

local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

local prepared, left, open, pause = {}, 0, 0, 0

function init(arguments)
   local headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }
   for name, value in pairs(wrk.headers) do headers[name] = value end
   for line in io.lines(arguments[1]) do
      local method, path, body = line:match("^(.-)\t(.-)\t(.*)$")
      if body == "" then
         prepared[#prepared + 1] = wrk.format(method, path, wrk.headers)
      else
         prepared[#prepared + 1] = wrk.format(method, path, headers, body)
      end
   end
   left, open, pause = tonumber(arguments[2]), tonumber(arguments[3]), tonumber(arguments[4])
   math.randomseed(number + 1)
end

-- Asked before each request of a connection, and so after each answer. One that has no more to send is over.
function delay()
   if left > 0 then
      left = left - 1
      return pause
   end
   open = open - 1
   if open == 0 then
      wrk.thread:stop()
      io.write("finished\n")
      io.flush()
   end
   return 1000000000
end

function request()
   return prepared[math.random(#prepared)]
end

function done(summary, latency)
   local errors = summary.errors
   local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
   io.write(string.format("\ntold %d %d %d %d\n", summary.duration, summary.requests, failed,
      latency:percentile(99)))
end
