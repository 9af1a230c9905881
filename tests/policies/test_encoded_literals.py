"""Literals that are encoded: the pack reads them all the same."""

import base64

from tests.policies.refusals import accepted, refused
from tests.policies.state import State


@refused("no-secret-in-the-open", "has a value for password, encoded, in LINES")
def test_a_password_line_in_base64(state: State) -> None:
    text = base64.b64encode(b"user=acme\npassword=Xk29dkLm3QpZ\n").decode()
    state.inputs("ConfigMap", "index-shape", "tracardi-track")["data"]["LINES"] = text


@refused("secret-values-stay-in-secrets", "ConfigMap tracardi-track/index-shape shows a secret")
def test_a_login_in_base64(state: State) -> None:
    text = base64.b64encode(b"elastic:canary-tracardi-credentials-redis-password").decode()
    state.inputs("ConfigMap", "index-shape", "tracardi-track")["data"]["LOGIN"] = text


@refused("secret-values-stay-in-secrets", "ConfigMap tracardi-track/index-shape shows a secret")
def test_a_secret_in_hexadecimal_figures(state: State) -> None:
    text = b"canary-tracardi-credentials-redis-password".hex()
    state.inputs("ConfigMap", "index-shape", "tracardi-track")["data"]["FIGURES"] = text


@accepted("no-secret-in-the-open")
def test_something_else_in_base64(state: State) -> None:
    text = base64.b64encode(b"a picture, or whatever people encode").decode()
    state.inputs("ConfigMap", "index-shape", "tracardi-track")["data"]["PICTURE"] = text
