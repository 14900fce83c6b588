-- Sends a counted number of requests, lines of a file, and stops when the last one is answered.
-- Arguments: the file, requests and connections of one thread, milliseconds between two of a connection, and of
-- how many threads each takes the lines that are its own, one after another; 0: each takes any line by chance.

local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

local prepared, left, open, pause, apart, at = {}, 0, 0, 0, 0, 0

function init(arguments)
   local headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }
   for name, value in pairs(wrk.headers) do headers[name] = value end
   apart = tonumber(arguments[5])
   local place = 0
   for line in io.lines(arguments[1]) do
      local method, path, body = line:match("^(.-)\t(.-)\t(.*)$")
      if apart > 0 and place % apart ~= number then
         -- Another thread's.
      elseif body == "" then
         prepared[#prepared + 1] = wrk.format(method, path, wrk.headers)
      else
         prepared[#prepared + 1] = wrk.format(method, path, headers, body)
      end
      place = place + 1
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

-- Before it begins, wrk asks the first thread for one request that it does not send. So whoever takes them one
-- after another begins anew behind the last one, and each is sent once.
function request()
   if apart > 0 then
      at = at % #prepared + 1
      return prepared[at]
   end
   return prepared[math.random(#prepared)]
end

function done(summary, latency)
   local errors = summary.errors
   local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
   io.write(string.format("\ntold %d %d %d %d %d\n", summary.duration, summary.requests, failed,
      latency:percentile(50), latency:percentile(99)))
end
