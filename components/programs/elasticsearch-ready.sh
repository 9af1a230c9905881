#!/bin/sh
# Probes of an Elasticsearch node; what it prints ends up in the pod's events.
#
#   ready.sh started   the node answers over TLS, whatever it says: it may wait for others, and is not to be restarted
#   ready.sh ready     the node has a master; and, until that was so once in this pod's life, the cluster's status is at
#                      least $READY_STATUS (green, or yellow for a single node): a rolling restart then takes the next
#                      node down when the shards of this one are back, while a lost node makes no other one unready.
#                      A yellow cluster in which nothing has moved for half a minute will get no better by waiting:
#                      its copies have no node to go to
set -eu
ask() {
    curl --silent --max-time 4 --cacert /usr/share/elasticsearch/config/certs/ca.crt "$@"
}

# Through a pipe: arguments are public. Quotes and backslashes have a meaning there.
user() {
    printf 'user = "elastic:%s"\n' "$(printf '%s' "$ELASTIC_PASSWORD" | sed 's/[\\"]/\\&/g')"
}

case "${1:-}" in
started)
    ask --output /dev/null https://localhost:9200/
    exit
    ;;
ready) ;;
*)
    echo "usage: ready.sh started|ready" >&2
    exit 2
    ;;
esac

condition=''
[ -e "$ES_TMPDIR/was-ready" ] || condition="wait_for_status=${READY_STATUS:?}&"
# Without --fail: an answer that timed out (408) tells as well that there is a master.
answer=$(user | ask --config - "https://localhost:9200/_cluster/health?${condition}timeout=2s&master_timeout=2s") || true
case $answer in
*'"timed_out":'*) touch /var/lib/elasticsearch/formed ;;
*)
    echo "no master, or no answer"
    exit 1
    ;;
esac
still() {
    for fact in '"status":"yellow"' '"initializing_shards":0,' '"relocating_shards":0,' \
        '"delayed_unassigned_shards":0,' '"number_of_pending_tasks":0,' '"number_of_in_flight_fetch":0,'; do
        case $answer in *"$fact"*) ;; *) return 1 ;; esac
    done
}

case $answer in
*'"timed_out":false'*) touch "$ES_TMPDIR/was-ready" ;;
*)
    # One character for each look, 5 s apart.
    if still; then printf . >>"$ES_TMPDIR/still"; else rm -f "$ES_TMPDIR/still"; fi
    if [ "$(cat "$ES_TMPDIR/still" 2>/dev/null)" = "......" ]; then
        touch "$ES_TMPDIR/was-ready"
        exit
    fi
    echo "the cluster's status is not yet ${READY_STATUS:-known}"
    exit 1
    ;;
esac
