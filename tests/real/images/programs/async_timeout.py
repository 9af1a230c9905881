"""What redis imports on Python before 3.11.3 for its asynchronous client, which nothing in these images uses."""

from asyncio import timeout

__all__ = ["timeout"]
