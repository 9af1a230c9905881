import pytest
from tests.dataplane import test_verified_instances as t
from tests.dataplane.test_verified_instances import impostors, test_an_instance_whose_certificate_ends_while_it_runs_gets_no_more_requests
@pytest.fixture(scope="module")
def site(sites):
    def begin(*a, **k):
        s = sites(*a, **k)
        for role in t._BEHIND:
            m = next(x for x in s.objects.of_kind("ConfigMap") if x["metadata"]["name"] == role.value)
            m["data"]["haproxy.cfg"] = m["data"]["haproxy.cfg"].replace(" no-ssl-reuse", "")
            s.objects.put(m)
        return s
    return t.site.__wrapped__(begin) if hasattr(t.site, "__wrapped__") else t.site.__pytest_wrapped__.obj(begin)
