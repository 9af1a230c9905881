"""Lists of cipher suites, as OpenSSL reads them: whether every suite that they offer keeps a secret."""

import re

_SEPARATORS = re.compile(r"[:, ]+")
_WEAK = re.compile(r"NULL|EXP|RC2|RC4|DES|SEED|IDEA|MD5|ADH|AECDH|ANON|LOW|MEDIUM|COMPLEMENT|SSLV2|GOST|PSK|SRP")
_SUITE = re.compile(
    r"(ECDHE|EECDH|KECDHE|KEECDH|DHE|EDH|KDHE|KEDH|AES(128|256)|CAMELLIA(128|256)|ARIA(128|256))([-+][A-Z0-9]+)+"
)
"""A suite, or several that an exchange of keys is a part of."""
_EXCHANGES = frozenset({"ECDHE", "EECDH", "KECDHE", "KEECDH", "DHE", "EDH", "KDHE", "KEDH", "DEFAULT"})
_BROAD = frozenset({"HIGH", "AES", "AES128", "AES256", "AESGCM", "CHACHA20", "SHA256", "SHA384", "TLSV1.2"})
"""What covers suites without authentication too, unless those are excluded."""
_WITHOUT_AUTHENTICATION = frozenset({"!ANULL", "!ADH"})
_LATEST = frozenset(
    {
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_CCM_SHA256",
        "TLS_AES_128_CCM_8_SHA256",
    }
)
"""All suites of TLS 1.3 that encrypt."""


def weak_cipher(text: str) -> str | None:
    """The first part of a list for TLS 1.2 that is weak, or that is not known not to be; None where there is none."""
    words = [word.upper() for word in _SEPARATORS.split(text) if word]
    if not [word for word in words if word[0] not in "!-"]:
        return "nothing"
    return next((word for word in words if not _strong(word, frozenset(words))), None)


def weak_suite(text: str) -> str | None:
    """The first part of a list for TLS 1.3 that is weak, or that is not known not to be; None where there is none."""
    words = [word for word in text.split(":") if word]
    return next((word for word in words if word not in _LATEST), None if words else "nothing")


def _strong(word: str, words: frozenset[str]) -> bool:
    if word[0] in "!-+":
        # Taken out, for good or until it is named again; or moved to the end.
        return True
    if word.startswith("@"):
        return word == "@STRENGTH" or word in {f"@SECLEVEL={level}" for level in range(1, 6)}
    if word in _LATEST:
        return True
    if _WEAK.search(word):
        return False
    if word in _BROAD:
        return bool(_WITHOUT_AUTHENTICATION & words)
    return word in _EXCHANGES or _SUITE.fullmatch(word) is not None
