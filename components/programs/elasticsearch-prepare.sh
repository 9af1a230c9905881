#!/bin/sh
# Fills the writable configuration folder, and names the first masters only until a cluster has formed: a node that is
# told so for good could found a second cluster while it does not see the others. Where a disk is lost, so is the mark.
set -eu
cp -r /usr/share/elasticsearch/config/. /prepared/
cp /etc/tracardi/elasticsearch.yml /prepared/elasticsearch.yml
mkdir -p /var/lib/elasticsearch/data
if [ ! -e /var/lib/elasticsearch/formed ]; then
    printf 'cluster.initial_master_nodes: [%s]\n' "$INITIAL_MASTER_NODES" >>/prepared/elasticsearch.yml
fi
