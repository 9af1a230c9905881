# Runs h2load with the given arguments, posting $1 if it is not empty; then the median and the 99th percentile in µs.
set -eu
body=$1
shift
cd "$(mktemp -d)"
if [ -n "$body" ]; then
  printf '%s' "$body" > body
  set -- --data=body "$@"
fi
h2load --log-file=log "$@"
cut -f3 log | sort -n > times
count=$(wc -l < times)
[ "$count" -gt 0 ] || exit 0
printf 'p50 %s\np99 %s\n' "$(sed -n "$((count / 2 + 1))p" times)" "$(sed -n "$((count * 99 / 100 + 1))p" times)"
