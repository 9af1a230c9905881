"""The two API clusters by themselves, on data services as a test describes them."""

from typing import Any

from components.api import ApiConfiguration, ApiConfigurationArgs
from components.certificates import CertificateAuthority, CertificateAuthorityArgs
from components.context import context_of
from components.endpoints import DataEndpoints, ElasticsearchEndpoint, MysqlEndpoint, RedisEndpoint
from components.gui_api_cluster import GuiApiCluster, GuiApiClusterArgs
from components.haproxy import Upstream
from components.track_cluster import TrackCluster, TrackClusterArgs
from tests.unit.engine import Recording, run
from tests.unit.stacks import changed, settings_of, stack_file

API = ("track-api", "gui-api")
DATA = DataEndpoints(
    elasticsearch=ElasticsearchEndpoint(("https://search.test:9200",), "elastic", "authority of search.test"),
    redis=RedisEndpoint("redis.test", 6379),
    mysql=MysqlEndpoint("mysql.test", 3306, "tracardi", "tracardi"),
)


def clusters(data: DataEndpoints = DATA, /, **changes: Any) -> Recording:  # noqa: ANN401 - any setting
    """Both clusters as production's settings with `changes` make them; with TLS inside, by the stack's authority."""
    settings = settings_of(changed(stack_file("prod"), **changes))
    context = context_of(settings)

    def program() -> dict[str, object]:
        internal = (
            CertificateAuthority("inside", CertificateAuthorityArgs("inside")).authority if context.encrypted else None
        )
        ApiConfiguration("api", ApiConfigurationArgs(context, settings.index, data))
        track = TrackCluster("track", TrackClusterArgs(context, settings.track, "index", data, internal))
        gui_api = GuiApiCluster("gui-api", GuiApiClusterArgs(context, settings.gui_api, "index", data, internal))
        return {"track": _told(track.upstream), "gui_api": _told(gui_api.upstream)}

    return run(program)


def _told(upstream: Upstream) -> dict[str, object]:
    return {"host": upstream.host, "port": upstream.port, "slots": upstream.slots, "ca_secret": upstream.ca_secret}
