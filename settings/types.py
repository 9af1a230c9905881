"""The vocabulary of the settings: strings that mean something, each with its limit and its remedy."""

import re
import ssl
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, PlainValidator, SecretStr, WithJsonSchema

from model.networks import Network
from settings.base import refused

Address = IPv4Address | IPv6Address

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME = rf"{_LABEL}(\.{_LABEL})+"
# The rule of Tracardi's own check: letters and digits with single . - _ + between them, and a dotted domain.
_EMAIL = r"[A-Za-z0-9]+([._+-][A-Za-z0-9]+)*@[A-Za-z0-9]+([.-][A-Za-z0-9]+)*\.[A-Za-z]{2,}"
_QUANTITY = r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?"
_REGISTRY = rf"({_HOST_NAME}|localhost)(:[0-9]{{1,5}})?(/[a-z0-9]+([._-][a-z0-9]+)*)*"
_DNS_NAME = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_NAME = r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)"
_LABEL_KEY = rf"({_DNS_NAME}/)?{_LABEL_NAME}"
_VARIABLE = r"[A-Z][A-Z0-9_]*"
_DATA_KEY = r"[A-Za-z0-9._-]{1,253}"
_PORT = r"(:[0-9]{1,5})?"
_HTTP_URL = rf"https?://{_HOST_NAME}{_PORT}"
_PULSAR_URL = rf"pulsar(\+ssl)?://{_HOST_NAME}{_PORT}"
_PULSAR_NAME = r"[A-Za-z0-9][A-Za-z0-9_.=-]{0,62}"
_HTTPS_URL = rf"https://{_HOST_NAME}{_PORT}"
_ORIGIN = rf"(https|wss)://(\*\.)?{_HOST_NAME}{_PORT}"
_MYSQL_NAME = r"[A-Za-z0-9_]{1,32}"
_REPOSITORY = r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_CRON_FIELD = r"(\*|[0-9]{1,2}(-[0-9]{1,2})?)(/[1-9][0-9]?)?"
_CRON_LIST = rf"{_CRON_FIELD}(,{_CRON_FIELD})*"
_CRON = rf"{_CRON_LIST}( {_CRON_LIST}){{4}}"
_DIGEST = r"sha256:[0-9a-f]{64}"

_FACTORS = {
    "": 1.0,
    "m": 0.001,
    **{unit: 1000.0**power for power, unit in enumerate("kMGT", start=1)},
    **{f"{unit}i": 1024.0**power for power, unit in enumerate("KMGT", start=1)},
}


def amount(quantity: str) -> float:
    """The number that a Kubernetes quantity stands for: bytes, or cores of CPU."""
    digits = re.match(r"[0-9.]+", quantity)
    if digits is None:
        raise ValueError(quantity)
    return float(digits.group()) * _FACTORS[quantity[digits.end() :]]


def is_address(host: str) -> bool:
    """Whether `host` is an IP address, not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _matching(pattern: str, limit: str, remedy: str, longest: int | None = None) -> AfterValidator:
    """Accepts what matches `pattern` from beginning to end, and has at most `longest` characters."""

    def check(value: str) -> str:
        if (longest is not None and len(value) > longest) or not re.fullmatch(pattern, value):
            raise refused(limit, remedy)
        return value

    return AfterValidator(check)


def _dns_label(value: str) -> str:
    # Namespace and pod names add suffixes, and a name may have 63 characters in all.
    if len(value) > 30 or not re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", value):  # noqa: PLR2004
        raise refused(
            "at most 30 lower-case letters, digits and hyphens, beginning with a letter",
            "Choose a shorter or simpler name.",
        )
    return value


def _quantity(value: str) -> str:
    if not re.fullmatch(_QUANTITY, value) or amount(value) <= 0:
        raise refused("a positive Kubernetes quantity, such as 512Mi, 50Gi or 500m", "Write a number and its unit.")
    return value


def _cidr(value: object) -> Network:
    limit = "an IPv4 or IPv6 network with its prefix and no host bits, such as 203.0.113.0/24"
    remedy = "For a single address write /32 or /128."
    if not isinstance(value, str) or "/" not in value:
        raise refused(limit, remedy)
    try:
        return ip_network(value)
    except ValueError as problem:
        raise refused(limit, remedy) from problem


def _ip(value: object) -> Address:
    limit, remedy = "an IPv4 or IPv6 address", "Write an address such as 169.254.20.10."
    if not isinstance(value, str):
        raise refused(limit, remedy)
    try:
        return ip_address(value)
    except ValueError as problem:
        raise refused(limit, remedy) from problem


def _pem(value: str) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=value)
    except (ssl.SSLError, ValueError) as problem:
        raise refused("certificates in PEM form, BEGIN CERTIFICATE lines included", "Paste the file.") from problem
    return value


def _tag(value: str) -> str:
    if value == "latest" or not re.fullmatch(_TAG, value):
        raise refused(
            "a tag that always means the same image, so not latest: index names depend on the release",
            "Name a release's tag.",
        )
    return value


def _schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$", "examples": [example]})


_LONGEST_DNS_NAME = 253
"""RFC 1035."""

HostName = Annotated[
    str,
    _matching(
        _HOST_NAME,
        "a full host name in lower case, such as track.example.com",
        "Write the name alone: no scheme, port, path, wildcard or upper case.",
        longest=_LONGEST_DNS_NAME,
    ),
    _schema(_HOST_NAME, "track.example.com"),
]
DnsLabel = Annotated[str, AfterValidator(_dns_label), _schema(r"[a-z]([a-z0-9-]*[a-z0-9])?", "tracardi")]
Email = Annotated[
    str,
    _matching(
        _EMAIL,
        "an e-mail address with a dotted domain (Tracardi refuses others at installation)",
        "Write an address such as admin@example.com.",
    ),
    _schema(_EMAIL, "admin@example.com"),
]
Quantity = Annotated[str, AfterValidator(_quantity), _schema(_QUANTITY, "4Gi")]
Registry = Annotated[
    str,
    _matching(
        _REGISTRY,
        "a registry's host name, with a port and path if it has them, such as registry.example.com/mirror",
        "Leave out the scheme, the repository and the tag.",
    ),
    _schema(_REGISTRY, "registry.example.com/mirror"),
]
LabelKey = Annotated[
    str,
    _matching(_LABEL_KEY, "a label or annotation key, such as example.com/team", "Correct the key."),
    _schema(_LABEL_KEY, "example.com/team"),
]
LabelValue = Annotated[
    str,
    _matching(rf"{_LABEL_NAME}?", "at most 63 letters, digits and . - _ between them", "Correct the value."),
    _schema(f"{_LABEL_NAME}?", "data"),
]
VariableName = Annotated[
    str,
    _matching(_VARIABLE, "an environment variable in upper case", "Correct the name."),
    _schema(_VARIABLE, "LOGGING_LEVEL"),
]
Cidr = Annotated[
    Network, PlainValidator(_cidr), WithJsonSchema({"type": "string", "examples": ["203.0.113.0/24", "2001:db8::/48"]})
]
IpAddress = Annotated[Address, PlainValidator(_ip), WithJsonSchema({"type": "string", "examples": ["169.254.20.10"]})]
DnsName = Annotated[
    str,
    _matching(
        _DNS_NAME,
        "lower-case letters, digits, hyphens and dots, as Kubernetes names are",
        "Correct the name.",
        longest=_LONGEST_DNS_NAME,
    ),
    _schema(_DNS_NAME, "monitoring"),
]
SecretKeyName = Annotated[
    str,
    _matching(_DATA_KEY, "a key of a Secret: letters, digits and . _ -", "Correct the key."),
    _schema(_DATA_KEY, "password"),
]
HttpsUrl = Annotated[
    str,
    _matching(
        _HTTPS_URL,
        "an address such as https://search.example.com:9243: with TLS, without path, user or password",
        "Write scheme, host and port alone; the password belongs in tracardi:credentials.",
    ),
    _schema(_HTTPS_URL, "https://search.example.com:9243"),
]
HttpUrl = Annotated[
    str,
    _matching(
        _HTTP_URL,
        "an address such as https://pulsar.example.com:8443, without path, user or password",
        "Write scheme, host and port alone.",
    ),
    _schema(_HTTP_URL, "https://pulsar.example.com:8443"),
]
PulsarUrl = Annotated[
    str,
    _matching(
        _PULSAR_URL,
        "one address such as pulsar+ssl://pulsar.example.com:6651, or with pulsar:// for plain text",
        "Write scheme, host and port alone; the token belongs in tracardi:credentials.",
    ),
    _schema(_PULSAR_URL, "pulsar+ssl://pulsar.example.com:6651"),
]
PulsarName = Annotated[
    str,
    _matching(
        _PULSAR_NAME,
        "letters, digits and - _ . = after a letter or digit: a part of the names of topics",
        "Correct the name.",
    ),
    _schema(_PULSAR_NAME, "tracardi"),
]
Origin = Annotated[
    str,
    _matching(
        _ORIGIN, "an origin such as https://cdn.example.com, without a path", "Write scheme, host and port alone."
    ),
    _schema(_ORIGIN, "https://cdn.example.com"),
]
MysqlName = Annotated[
    str,
    _matching(
        _MYSQL_NAME,
        "at most 32 letters, digits and underscores: Tracardi puts it into a URL without escaping it",
        "Choose a simpler name.",
    ),
    _schema(_MYSQL_NAME, "tracardi"),
]
Pem = Annotated[str, AfterValidator(_pem), WithJsonSchema({"type": "string"})]
ImageRepository = Annotated[
    str,
    _matching(_REPOSITORY, "a repository such as tracardi/tracardi-api", "Leave out registry, tag and digest."),
    _schema(_REPOSITORY, "tracardi/tracardi-api"),
]
ImageTag = Annotated[str, AfterValidator(_tag), _schema(_TAG, "1.0.0")]
ImageDigest = Annotated[
    str,
    _matching(_DIGEST, "sha256: and 64 hexadecimal digits", "Copy it from the registry."),
    _schema(_DIGEST, f"sha256:{'0' * 64}"),
]
CronSchedule = Annotated[
    str,
    _matching(
        _CRON,
        "five fields of cron in figures, such as */10 * * * * for every ten minutes",
        "Write minute, hour, day of the month, month and day of the week.",
    ),
    _schema(_CRON, "*/10 * * * *"),
]
SecretSetting = Annotated[
    SecretStr,
    WithJsonSchema(
        {
            "type": "object",
            "properties": {"secure": {"type": "string"}},
            "required": ["secure"],
            "additionalProperties": False,
            "description": "Encrypted by `pulumi config set --secret`; never written by hand.",
        }
    ),
]
