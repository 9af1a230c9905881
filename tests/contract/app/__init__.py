"""The contract server: an application for uvicorn that behaves as Tracardi's API does, and as strictly.

`app.apm` beside it is Tracardi's APM, on the same terms.

Python 3.11, Starlette, httpx, redis and PyMySQL. It stores in real Elasticsearch, Redis and MySQL. Where MYSQL_HOST is
given it is a release from 0.9 on, else release 0.8.2.1. What it lacks of Tracardi: workflows, plugins, and all that the
console edits beside users and event sources; 22 indices are made where Tracardi makes 76.

Variables of its own, beside Tracardi's:
  START_CPU_SECONDS       CPU seconds that a start takes (1.0; Tracardi's 4.6 is scaled down for small machines)
  COST_KNOWN_MS           CPU milliseconds of an event of a known visitor, beside what the server needs itself (6)
  COST_NEW_MS             the same for a new visitor (20)
  PAUSE_SCALE             factor of the pauses that Tracardi makes while it waits for databases (1)
"""
