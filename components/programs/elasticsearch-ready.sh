#!/bin/sh
# Ready when this node has a master and answers over TLS. The password goes through a pipe: arguments are public.
set -eu
printf 'user = "elastic:%s"\n' "$ELASTIC_PASSWORD" |
    curl --silent --fail --max-time 4 --output /dev/null --config - \
        --cacert /usr/share/elasticsearch/config/certs/ca.crt \
        "https://localhost:9200/_cluster/health?timeout=3s"
touch /var/lib/elasticsearch/formed
