import time
from tests.dataplane.sites import small
from model.roles import Role
from tests.dataplane.clients.http import Client
from tests.dataplane.clients.load import Load

def test_x(sites):
    t=time.monotonic()
    site = sites(small(track__routes=["tracker"]), dns_seconds=1.0)
    api = site.run_track(replicas=3, balancers=2, COST_MS="10", STORED="/tmp/stored")
    print("up", time.monotonic()-t)
    address, host, ca = site.cluster.entry(Role.TRACK_BALANCER), site.host(Role.TRACK_BALANCER), site.authority
    with Client(site.visitor, address, host, ca, http2=True) as c:
        print([c.track(f"e{n}").headers.get("x-instance") for n in range(6)])
        print(c.track("e").headers)
    t=time.monotonic()
    with Load(place=site.crowd(100), addresses=(address,), host=host, ca=ca, connections=20).running(150) as run:
        time.sleep(4)
    print(run.outcome(), run.outcome().instances, time.monotonic()-t)
    for p in api.pods: print(p.log()[-300:])
    for p in site.cluster.workloads[Role.TRACK_BALANCER].pods: print(p.log()[-300:])
    print(site.objects.config_map("tracardi-dev-track","track-balancer")["haproxy.cfg"][-1200:])
