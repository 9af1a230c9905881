"""The vocabulary of the settings: strings that mean something, each with its limit and its remedy."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, PlainValidator, WithJsonSchema

from model.networks import Network
from settings.base import refused

Address = IPv4Address | IPv6Address

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME = rf"{_LABEL}(\.{_LABEL})+"
# The rule of Tracardi's own check: letters and digits with single . - _ + between them, and a dotted domain.
_EMAIL = r"[A-Za-z0-9]+([._+-][A-Za-z0-9]+)*@[A-Za-z0-9]+([.-][A-Za-z0-9]+)*\.[A-Za-z]{2,}"
_QUANTITY = r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?"
_REGISTRY = rf"({_HOST_NAME}|localhost)(:[0-9]{{1,5}})?(/[a-z0-9]+([._-][a-z0-9]+)*)*"
_LABEL_NAME = r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)"
_LABEL_KEY = rf"({_HOST_NAME}/)?{_LABEL_NAME}"
_VARIABLE = r"[A-Z][A-Z0-9_]*"

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


def _host_name(value: str) -> str:
    if len(value) > 253 or not re.fullmatch(_HOST_NAME, value):  # noqa: PLR2004 - RFC 1035's longest name
        raise refused(
            "a full host name in lower case, such as track.example.com",
            "Write the name alone: no scheme, port, path, wildcard or upper case.",
        )
    return value


def _dns_label(value: str) -> str:
    # Namespace and pod names add suffixes, and a name may have 63 characters in all.
    if len(value) > 30 or not re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", value):  # noqa: PLR2004
        raise refused(
            "at most 30 lower-case letters, digits and hyphens, beginning with a letter",
            "Choose a shorter or simpler name.",
        )
    return value


def _email(value: str) -> str:
    if not re.fullmatch(_EMAIL, value):
        raise refused(
            "an e-mail address with a dotted domain (Tracardi refuses others at installation)",
            "Write an address such as admin@example.com.",
        )
    return value


def _quantity(value: str) -> str:
    if not re.fullmatch(_QUANTITY, value) or amount(value) <= 0:
        raise refused("a positive Kubernetes quantity, such as 512Mi, 50Gi or 500m", "Write a number and its unit.")
    return value


def _registry(value: str) -> str:
    if not re.fullmatch(_REGISTRY, value):
        raise refused(
            "a registry's host name, with a port and path if it has them, such as registry.example.com/mirror",
            "Leave out the scheme, the repository and the tag.",
        )
    return value


def _label_key(value: str) -> str:
    if not re.fullmatch(_LABEL_KEY, value):
        raise refused("a label or annotation key, such as example.com/team", "Correct the key.")
    return value


def _label_value(value: str) -> str:
    if not re.fullmatch(rf"{_LABEL_NAME}?", value):
        raise refused("at most 63 letters, digits and . - _ between them", "Correct the value.")
    return value


def _variable(value: str) -> str:
    if not re.fullmatch(_VARIABLE, value):
        raise refused("an environment variable in upper case", "Correct the name.")
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


def _schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$", "examples": [example]})


HostName = Annotated[str, AfterValidator(_host_name), _schema(_HOST_NAME, "track.example.com")]
DnsLabel = Annotated[str, AfterValidator(_dns_label), _schema(r"[a-z]([a-z0-9-]*[a-z0-9])?", "tracardi")]
Email = Annotated[str, AfterValidator(_email), _schema(_EMAIL, "admin@example.com")]
Quantity = Annotated[str, AfterValidator(_quantity), _schema(_QUANTITY, "4Gi")]
Registry = Annotated[str, AfterValidator(_registry), _schema(_REGISTRY, "registry.example.com/mirror")]
LabelKey = Annotated[str, AfterValidator(_label_key), _schema(_LABEL_KEY, "example.com/team")]
LabelValue = Annotated[str, AfterValidator(_label_value), _schema(f"{_LABEL_NAME}?", "data")]
VariableName = Annotated[str, AfterValidator(_variable), _schema(_VARIABLE, "LOGGING_LEVEL")]
Cidr = Annotated[
    Network, PlainValidator(_cidr), WithJsonSchema({"type": "string", "examples": ["203.0.113.0/24", "2001:db8::/48"]})
]
IpAddress = Annotated[Address, PlainValidator(_ip), WithJsonSchema({"type": "string", "examples": ["169.254.20.10"]})]
