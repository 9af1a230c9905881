"""A proxy for clients to talk to: it answers by itself."""

HOST = "track.example.com"
HAPROXY = """
defaults
  mode http
  timeout connect 1s
  timeout client 10s
  timeout server 10s
frontend entry
  bind :443 ssl crt /tmp/certificate alpn h2,http/1.1
  option http-buffer-request
  http-after-response set-header X-Instance haproxy
  http-request return status 503 if { path /busy }
  http-request return status 405 if { path /track } ! { method POST }
  http-request return status 200 content-type text/html file /tmp/page if { path /page }
  http-request return status 200 content-type application/json string "{}"
"""
PAGE = """<!doctype html><title>asking</title><p>nothing yet</p><script>
fetch("/track", {method: "POST", body: "{}"}).then((answer) => {
  console.log(`answered ${answer.status}`, "in\\ntwo lines");
  document.title = "answered";
});
</script>"""
