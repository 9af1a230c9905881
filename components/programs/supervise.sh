#!/bin/sh
# Runs a server, and has it reload when files below the folders get another content: renewed certificates take effect
# without a restart. Ends with the server, and with its exit status. Writes nothing.
#
#   supervise.sh RELOAD_SIGNAL STOP_SIGNAL FOLDER[:FOLDER...] -- COMMAND [ARGUMENT...]
# Looks every $SUPERVISE_SECONDS (10), or never where '' stands for the folders. TERM, INT, QUIT and USR1 reach the server
# as STOP_SIGNAL, whichever of them the image has Kubernetes send.
set -u
if [ $# -lt 5 ] || [ "$4" != -- ]; then
    echo "usage: supervise.sh RELOAD_SIGNAL STOP_SIGNAL FOLDER[:FOLDER...] -- COMMAND [ARGUMENT...]" >&2
    exit 2
fi
reload=$1 stop=$2 folders=$3
shift 4
server='' watcher='' signalled='' status=127

# Names that begin with two dots are the generations of a mounted Secret, which the other names lead to.
fingerprint() (
    IFS=:
    set -f
    # shellcheck disable=SC2086 # split at the colons
    find -L $folders -type f ! -path '*/..*' -exec sha256sum {} + | sort
)

watch() {
    seen=$1
    # Output elsewhere: an orphaned sleep would keep the log open.
    while sleep "${SUPERVISE_SECONDS:-10}" >/dev/null 2>&1; do
        now=$(fingerprint)
        [ "$now" != "$seen" ] || continue
        echo "supervise: files have changed, sending $reload" >&2
        kill -s "$reload" "$server"
        seen=$now
    done
}

# A server that is to end must not reload: it would go on. KILL: a shell that just began may lose another signal.
pass_on() {
    signalled=yes
    [ -z "$watcher" ] || kill -s KILL "$watcher" 2>/dev/null
    [ -z "$server" ] || kill -s "$stop" "$server" 2>/dev/null
}

trap pass_on TERM INT QUIT USR1
[ -z "$folders" ] || before=$(fingerprint)
"$@" &
server=$!
if [ -n "$folders" ]; then
    watch "$before" &
    watcher=$!
fi
# One that came before there was anybody to pass it on to.
[ -z "$signalled" ] || pass_on
while signalled='' && {
    wait "$server"
    code=$?
    # 127: it had ended already, in the moment that a signal came.
    [ "$code" -eq 127 ] || status=$code
    [ -n "$signalled" ]
}; do :; done
[ -z "$watcher" ] || kill -s KILL "$watcher" 2>/dev/null
exit "$status"
