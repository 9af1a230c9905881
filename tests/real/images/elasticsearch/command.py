"""A node as a plain process, for tests that need Elasticsearch and no container."""

from pathlib import Path

from tests.real.images.elasticsearch.libraries import CLASS, jars
from tests.real.images.java import java


def elasticsearch_command(
    folder: Path, *, port: int, transport: int, host: str = "127.0.0.1", heap_mebibytes: int = 512
) -> tuple[str, ...]:
    """Command line of a single node whose configuration and data are in `folder`, which is made where it is missing.

    It answers plain HTTP at `host`:`port`, without authentication, some four seconds after its start, and says
    `elasticsearch: started` on standard error. SIGTERM ends it. It runs as any user, in any network namespace; its
    programs are the machine's own folders, not Debian's root, so it does not run in a jail.

    Raises:
        ToolError: its jars or Java cannot be had.
    """
    for name in ("config", "data", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    settings = {
        "cluster.name": "test",
        "node.name": "test",
        "discovery.type": "single-node",
        "network.host": host,
        "http.port": port,
        "transport.port": transport,
        "path.data": folder / "data",
        "node.store.allow_mmap": "false",
        "bootstrap.system_call_filter": "false",
        # A full disk of the machine is not what tests are about.
        "cluster.routing.allocation.disk.threshold_enabled": "false",
    }
    return (
        str(java()),
        f"-Xms{heap_mebibytes}m",
        f"-Xmx{heap_mebibytes}m",
        *node_options(jars()),
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        "-Dnode.natives=false",
        *("-cp", f"{jars()}:{jars()}/*", CLASS, str(folder), str(folder / "config")),
        *(f"{name}={value}" for name, value in settings.items()),
    )


def node_options(files: Path) -> tuple[str, ...]:
    """What the distribution's own start tells Java, and what spares tests time; `files` is the folder of jars."""
    return (
        # With one processor or little memory Java would choose another collector, which Elasticsearch refuses.
        "-XX:+UseG1GC",
        # Nodes live for minutes here: what the second compiler costs at their start, they would never earn.
        "-XX:TieredStopAtLevel=1",
        "-Dfile.encoding=UTF-8",
        "-Djna.nosys=true",
        "-Dio.netty.noUnsafe=true",
        "-Dlog4j.shutdownHookEnabled=false",
        f"-Dlog4j2.configurationFile={files}/log4j2.xml",
    )
