#!/bin/sh
# Asks the kernel about a program that listens to nobody, and ends it in the way that it wants to be ended.
#
#   worker.sh started [PID]      whether it has begun: it handles TERM, which Python programs do once all is imported
#   worker.sh alive [PID]        whether it has done anything since this was asked last
#   worker.sh stop SIGNAL [PID]  sends SIGNAL, and waits until the program has ended
# Without PID, the container's first process is meant. Remembers in $WORKER_STATE (/tmp/worker) what it saw.
set -eu
usage() {
    echo "usage: worker.sh started|alive|stop SIGNAL [PID]" >&2
    exit 2
}

[ $# -gt 0 ] || usage
task=$1
shift
signal=''
if [ "$task" = stop ]; then
    [ $# -gt 0 ] || usage
    signal=$1
    shift
fi
pid=${1:-1}
status=/proc/$pid/status seen=${WORKER_STATE:-/tmp/worker}

case $task in
started)
    mask=$(sed -n 's/^SigCgt:[[:space:]]*//p' "$status")
    # The bit of signal 15.
    [ $((0x$mask & 0x4000)) -ne 0 ]
    ;;
alive)
    # Waiting and working both give the processor up again and again; a program that hangs in one call does not.
    now=$(grep ctxt_switches "$status") || exit 0 # a kernel that does not count says nothing against it
    before=$(cat "$seen" 2>/dev/null) || before=''
    printf '%s\n' "$now" >"$seen"
    [ "$now" != "$before" ]
    ;;
stop)
    kill -s "$signal" "$pid"
    while [ -e "$status" ]; do sleep 1; done
    ;;
*) usage ;;
esac
