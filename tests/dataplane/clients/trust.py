"""Whom clients trust: one authority, nobody else."""

import ssl


def trusting(authority: str | None, *, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
    """A client's TLS that trusts `authority` (PEM) alone, or nobody, and offers `protocols` by ALPN.

    Host names are checked. Sessions are not resumed, so that every connection shows a certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = _Socket
    if authority:
        context.load_verify_locations(cadata=authority)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


class _Socket(ssl.SSLSocket):
    """Closed where the connection is reset before its handshake begins: Python leaves that one to its collector."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except ConnectionError:
            self.close()
            raise
