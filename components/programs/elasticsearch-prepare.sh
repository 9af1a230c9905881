#!/bin/sh
# Fills the writable configuration folder, and lets only a cluster that never formed elect its first masters: a node
# that was told so again after it lost its disk could found a second cluster beside the first.
set -eu
cp -r /usr/share/elasticsearch/config/. /prepared/
cp /etc/tracardi/elasticsearch.yml /prepared/elasticsearch.yml
mkdir -p /var/lib/elasticsearch/data
if [ ! -e /var/lib/elasticsearch/formed ]; then
    printf 'cluster.initial_master_nodes: [%s]\n' "$INITIAL_MASTER_NODES" >>/prepared/elasticsearch.yml
fi
