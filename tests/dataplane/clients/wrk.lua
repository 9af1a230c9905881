-- Asks as the arguments say (host, body), and reports in JSON.
function init(arguments)
  wrk.headers["Host"] = arguments[1]
  if arguments[2] ~= "" then
    wrk.method = "POST"
    wrk.body = arguments[2]
    wrk.headers["Content-Type"] = "application/json"
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'report {"requests": %d, "seconds": %f, "status": %d, "broken": %d, "p50": %f, "p99": %f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6
  ))
end
