#!/bin/sh
# Probes of an Elasticsearch node; what it prints ends up in the pod's events.
#
#   ready.sh started   the node answers over TLS, whatever it says: it may wait for others, and is not to be restarted
#   ready.sh ready     the node has a master; and, until that was so once in this pod's life, the cluster's status is at
#                      least $READY_STATUS (green, or yellow for a single node): a rolling restart then takes the next
#                      node down when the shards of this one are back, while a lost node makes no other one unready
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
case $answer in
*'"timed_out":false'*) touch "$ES_TMPDIR/was-ready" ;;
*)
    echo "the cluster's status is not yet ${READY_STATUS:-known}"
    exit 1
    ;;
esac
