"""Whom clients trust: one authority, nobody else."""

import ssl


def trusting(authority: str | None, *, protocols: tuple[str, ...] = ()) -> ssl.SSLContext:
    """A client's TLS that trusts `authority` (PEM) alone, or nobody, and offers `protocols` by ALPN.

    Host names are checked. Sessions are not resumed, so that every connection shows a certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authority:
        context.load_verify_locations(cadata=authority)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context
