"""Checks the stores that others run, before anything relies on them. Runs as a Job, from a ConfigMap, in the API image.

Standard library only, Python 3.10 or newer (certifi is used where it is there, as Elasticsearch's client does). Run as
`python3 -m preflight` from the folder above this one. The variables that tell an API pod of its stores tell this
program as well, so that what it finds is what API pods find:

  ELASTIC_HOST, ELASTIC_CA_FILE, ELASTIC_HTTP_AUTH_USERNAME, ELASTIC_HTTP_AUTH_PASSWORD
  REDIS_HOST, REDIS_PORT, REDIS_PASSWORD
  MYSQL_HOST, MYSQL_PORT, MYSQL_DATABASE, MYSQL_USERNAME, MYSQL_PASSWORD
  PULSAR_HOST, PULSAR_API, PULSAR_CLUSTER, PULSAR_TENANT, PULSAR_AUTH_TOKEN

What no API pod needs to know stands in a JSON file (`PREFLIGHT_PLAN`): the release, and of each store to check its
networks, the versions that the release works with, and the far ends of its tunnels. Further variables, in seconds:

  PREFLIGHT_PATIENCE_SECONDS  90: a store that may just be starting is asked again for so long
  PREFLIGHT_TIMEOUT_SECONDS   8: longest wait for a connection, and for an answer
  PREFLIGHT_DEADLINE_SECONDS  240: a store whose check has not ended then has failed
  PREFLIGHT_POLL_SECONDS      1: first pause between two attempts; pauses grow to ten times as much

All stores are checked at once, and everything that is wrong with any of them is told, each in a line of its own on
standard error: the setting in the stack file, what was tried, what came of it, the remedy. Secrets are never printed.
What is written to a store, to see whether it may be, has a name of its own and is removed again; but for MySQL's
database, which the installation would create by the same statement.

Exit status: 0 nothing is wrong; 1 something is.
"""
