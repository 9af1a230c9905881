"""Elasticsearch as its makers publish it for Java programs: a real node, without what is not free to copy."""

from tests.real.images.elasticsearch.command import elasticsearch_command
from tests.real.images.elasticsearch.libraries import CLASS, VERSION, jars

__all__ = ["CLASS", "VERSION", "elasticsearch_command", "jars"]
