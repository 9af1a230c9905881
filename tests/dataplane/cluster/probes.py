"""The kubelet's probes."""

import http.client
import socket
import ssl

from tests.unit.engine import JsonObject

_GOOD = range(200, 400)


class _Socket(ssl.SSLSocket):
    """One that is closed even where it never came to be: Python forgets those whose peer has reset them by then."""

    def __del__(self) -> None:
        self.close()


def passes(probe: JsonObject, address: str) -> bool:
    """Whether the container at `address` answers `probe` now."""
    timeout = float(probe["timeoutSeconds"])
    try:
        if "httpGet" in probe:
            return _http(probe["httpGet"], address, timeout) in _GOOD
        with socket.create_connection((address, probe["tcpSocket"]["port"]), timeout):
            return True
    except (OSError, http.client.HTTPException):
        return False


def _http(asked: JsonObject, address: str, timeout: float) -> int:
    connection: http.client.HTTPConnection
    if asked.get("scheme") == "HTTPS":
        # The kubelet verifies no certificate.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.sslsocket_class = _Socket
        connection = http.client.HTTPSConnection(address, asked["port"], timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(address, asked["port"], timeout=timeout)
    try:
        connection.request("GET", asked["path"], headers={"User-Agent": "kube-probe/1.36", "Connection": "close"})
        return connection.getresponse().status
    finally:
        connection.close()
