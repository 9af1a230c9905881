"""What the data services say to somebody who reaches them and has no password."""

import ssl
import urllib.error
import urllib.request

import pymysql
import redis

from model.ports import Port

_SECONDS = 10.0


def redis_says(address: str) -> str:
    """Redis' answer to a PING."""
    with redis.Redis(host=address, port=int(Port.REDIS), socket_timeout=_SECONDS) as connection:
        try:
            return str(connection.ping())
        except redis.RedisError as error:
            return str(error)


def elasticsearch_says(address: str) -> int:
    """The status of Elasticsearch's answer, over TLS that nobody verifies."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(
            f"https://{address}:{int(Port.ELASTICSEARCH)}/", timeout=_SECONDS, context=context
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def mysql_says(address: str) -> str:
    """MySQL's answer to its own root without a password."""
    try:
        pymysql.connect(host=address, port=int(Port.MYSQL), user="root", password="", connect_timeout=10).close()
    except pymysql.err.OperationalError as error:
        return str(error.args[1])
    return "welcome"
