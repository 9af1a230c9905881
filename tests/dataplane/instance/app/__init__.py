"""A stand-in for Tracardi's API: an application for uvicorn that shows what reached it and queues as Tracardi does.

Runs on Python 3.11's standard library and Starlette.
"""
