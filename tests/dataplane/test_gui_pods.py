"""The console's pods: what nginx may do in them, TLS all the way to them, and how they leave."""

import errno
import ssl
from http import HTTPStatus
from pathlib import Path

import pytest

from components.pods import USER
from model.ports import Port
from model.roles import Role
from tests.dataplane.clients.raw import Exchange, Handshake, Line, handshake
from tests.dataplane.clients.trust import trusting
from tests.dataplane.cluster import Pod
from tests.dataplane.conftest import Sites
from tests.dataplane.installation.consoles import PAGE, SECURITY, console, plain_answer, start_console
from tests.dataplane.installation.sites import Site, small
from tests.measured import Measured


@pytest.fixture(scope="module")
def nginx(sites: Sites) -> Pod:
    site = sites(small())
    return start_console(site, site.authority)


def processes(pod: Pod) -> list[Path]:
    """The /proc folders of all processes in a pod of one container."""
    found = [pod.pid]
    for pid in found:
        found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split())
    return [Path(f"/proc/{pid}") for pid in found]


def status_of(process: Path) -> dict[str, list[str]]:
    lines = (process / "status").read_text(encoding="utf-8").splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


# What nginx may do


def test_every_process_is_an_unprivileged_user_without_capabilities(nginx: Pod) -> None:
    found = processes(nginx)

    assert [status_of(process)["Name"] for process in found] == [["sh"], ["nginx"], ["nginx"]]
    for process in found:
        status = status_of(process)
        assert status["Uid"] == status["Gid"] == [str(USER)] * 4
        assert {status[each][0] for each in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
        assert status["NoNewPrivs"] == ["1"]


def test_nothing_can_be_written_but_below_tmp_and_nginx_writes_little_there(nginx: Pod) -> None:
    root = processes(nginx)[0] / "root"

    for folder in ("", "etc", "etc/nginx", "etc/tracardi", "usr/share/nginx/html"):
        # Not even by root, which this is.
        with pytest.raises(OSError, match=rf"\[Errno {errno.EROFS}\]"):
            (root / folder / "written").write_text("")
    assert {entry.name for entry in (root / "tmp").iterdir()} == {
        *("nginx.pid", "client-body", "proxy", "fastcgi", "uwsgi", "scgi")
    }


# TLS all the way


def test_with_tls_all_the_way_nginx_shows_its_certificate_and_speaks_nothing_else(sites: Sites) -> None:
    site = sites(small(certificates__encryption="full"))
    pod = start_console(site, site.authority)
    inside = site.objects.secret(pod.namespace, "gui-tls")["ca.crt"].decode()
    name = f"gui.{pod.namespace}.svc.cluster.local"

    def shakes_hands(authority: str) -> Handshake:
        return handshake(site.world.router, pod.address, int(Port.HTTP), trusting(authority), name)

    with console(site, site.office, site.authority) as office:
        answer = office.get("/")

    assert (answer.status_code, answer.content) == (HTTPStatus.OK, PAGE)
    assert SECURITY.items() <= answer.headers.items()
    assert shakes_hands(inside).version == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        shakes_hands(site.authority)
    assert plain_answer(site, pod, "/").status == HTTPStatus.BAD_REQUEST


# Leaving


def unhurried(site: Site, *, supervised: bool) -> None:
    """Have nginx take seconds over a page, as over clients that are far away, and be told to leave soon after."""
    deployment = next(each for each in site.objects.of_kind("Deployment") if each["metadata"]["name"] == "gui")
    configuration = site.objects.get("ConfigMap", "gui", deployment["metadata"]["namespace"])
    text = configuration["data"]["nginx.conf"]
    configuration["data"]["nginx.conf"] = text.replace("server {", f"server {{ limit_rate {len(PAGE) // 6};", 1)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["lifecycle"]["preStop"]["sleep"]["seconds"] = 1
    if not supervised:
        container["command"] = container["command"][container["command"].index("--") + 1 :]
    site.objects.put(configuration)
    site.objects.put(deployment)


def download_while_leaving(site: Site) -> tuple[Exchange, bool]:
    """What a client gets of the page whose pod is deleted meanwhile, and whether the pod had to be killed."""
    pod = start_console(site, site.authority)
    host, address = site.host(Role.GUI_BALANCER), site.cluster.entry(Role.GUI_BALANCER)
    with Line(site.office, address, 443, tls=trusting(site.authority), server_name=host) as line:
        line.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert line.receive(seconds=10).startswith(b"HTTP/1.1 200 ")
        gone = site.cluster.workloads[Role.GUI].delete(pod)
        got = line.hear(seconds=15)
    assert gone.wait(15)
    return got, pod.overran


def test_a_download_under_way_is_finished_by_a_pod_that_leaves(sites: Sites, measured: Measured) -> None:
    site = sites(small())
    unhurried(site, supervised=True)

    got, overran = download_while_leaving(site)

    measured("GUI pod deleted: bytes of a slow download that arrived", f"{len(got.answer.body)} of {len(PAGE)}")
    assert got.answer.body == PAGE
    assert not overran


def test_nginx_alone_would_cut_it_off_where_the_image_names_no_signal(sites: Sites) -> None:
    site = sites(small())
    unhurried(site, supervised=False)

    got, _ = download_while_leaving(site)

    assert (got.answers, got.closed) == ((), True)
