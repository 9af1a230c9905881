"""DataServices: the stores that both API clusters share."""

from dataclasses import dataclass

import pulumi

from components.context import Context
from components.elasticsearch import ElasticsearchCluster, ElasticsearchClusterArgs
from components.mysql import MysqlStore, MysqlStoreArgs
from components.redis import RedisStore, RedisStoreArgs
from settings.data import DataSettings, StoreSettings


@dataclass(frozen=True)
class DataServicesArgs:
    """The stores as `settings` describe them."""

    context: Context
    settings: DataSettings


class DataServices(pulumi.ComponentResource):
    """Elasticsearch and Redis, and MySQL where the release uses it."""

    elasticsearch_authority: pulumi.Output[str]
    """PEM that clients verify Elasticsearch with."""

    def __init__(self, name: str, args: DataServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tracardi:index:DataServices", name, opts=opts)
        context, settings = args.context, args.settings
        child = pulumi.ResourceOptions(parent=self)
        elasticsearch = ElasticsearchCluster(
            f"{name}-elasticsearch", ElasticsearchClusterArgs(context, settings.elasticsearch), opts=child
        )
        RedisStore(f"{name}-redis", RedisStoreArgs(context, settings.redis), opts=child)
        if context.release.mysql is not None:
            MysqlStore(
                f"{name}-mysql",
                MysqlStoreArgs(context, settings.mysql or StoreSettings(), context.release.mysql),
                opts=child,
            )
        self.elasticsearch_authority = elasticsearch.authority
        self.register_outputs({"elasticsearch_authority": self.elasticsearch_authority})
