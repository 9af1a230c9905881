# Visits $2 with a browser that trusts the authority $1 (PEM) besides public ones; the rest are the browser's arguments.
set -eu
authority=$1
url=$2
shift 2
HOME=$(mktemp -d)
export HOME
trap 'rm -rf "$HOME"' EXIT
mkdir -p "$HOME/.pki/nssdb"
certutil -N -d "sql:$HOME/.pki/nssdb" --empty-password
if [ -n "$authority" ]; then
  printf '%s' "$authority" | certutil -A -d "sql:$HOME/.pki/nssdb" -n authority -t C,,
fi
chromium --user-data-dir="$HOME/profile" "$@" "$url"
