"""Whether the installation carries the load that is declared for it, between sections of the settings."""

import math
from fractions import Fraction

from model.capacity import (
    BALANCER_CPU,
    COSTS,
    ELASTICSEARCH_NEW_PER_CORE,
    SHARD_DOCUMENTS,
    CostModel,
    Site,
    balancers_by_cpu,
    least_elasticsearch_cores,
    least_shards,
    least_volume,
    stored_events,
)
from model.limits import MAX_BALANCERS, MAX_INSTANCES
from settings.balancer import Mode
from settings.base import Refusal, Refusals
from settings.capacity import CapacitySettings
from settings.certificates import CertificateSettings
from settings.clusters import GuiApiSettings, TrackSettings
from settings.data import DataSettings
from settings.index import IndexSettings
from settings.installation import InstallationSettings
from settings.services import ServicesSettings
from settings.sizing import copies_of, cores_of, storage_of, stores_of

_SPLIT = "Lower it, or declare a share of it here and install Tracardi more than once."


def collectors_carry_the_peak(capacity: CapacitySettings | None, track: TrackSettings) -> Refusals:
    """The autoscaler may start as many collectors as the peak needs."""
    if capacity is None:
        return
    costs, share = COSTS[capacity.model], capacity.load.share
    needed, each = costs.instances(capacity.peak, share), costs.per_instance(share)
    if needed > MAX_INSTANCES:
        yield Refusal(
            ("capacity", "peak"),
            capacity.peak,
            f"at most {int(MAX_INSTANCES * each)}: {MAX_INSTANCES} collectors is the most, and one carries "
            f"{float(each):.0f} requests/s (model: {capacity.model})",
            _SPLIT,
        )
    elif track.replicas.max < needed:
        yield Refusal(
            ("track", "replicas", "max"),
            track.replicas.max,
            f"at least {needed}: tracardi:capacity.peak is {capacity.peak} requests/s, of which a collector carries "
            f"{float(each):.0f} (model: {capacity.model})",
            "Raise or remove it, or correct tracardi:capacity.",
        )


def balancers_carry_the_peak(
    capacity: CapacitySettings | None, track: TrackSettings, certificates: CertificateSettings
) -> Refusals:
    """The public balancers carry the peak while none of them is lost."""
    if capacity is None:
        return
    gateway = track.balancer.mode is Mode.GATEWAY
    needed = balancers_by_cpu(capacity.peak, Site(0, certificates.encryption, gateway=gateway))
    each = 1 / BALANCER_CPU[certificates.encryption][gateway]
    why = f"a balancer carries {float(each):.0f} on a core with certificates.encryption: {certificates.encryption}"
    if needed > MAX_BALANCERS:
        limit = f"at most {int(MAX_BALANCERS * each)}: {MAX_BALANCERS} balancers is the most, and {why}"
        yield Refusal(("capacity", "peak"), capacity.peak, limit, _SPLIT)
    elif track.balancer.replicas < needed:
        yield Refusal(
            ("track", "balancer", "replicas"),
            track.balancer.replicas,
            f"at least {needed}: tracardi:capacity.peak is {capacity.peak} requests/s, of which {why}",
            "Raise it, with one more that may fail, or remove it.",
        )


def elasticsearch_takes_new_visitors_in(capacity: CapacitySettings | None, data: DataSettings) -> Refusals:
    """Elasticsearch in the cluster has what new visitors cost it even at the best rate that was seen."""
    search = data.elasticsearch
    if capacity is None or capacity.model is CostModel.GUIDES or search.external is not None:
        return
    needed = least_elasticsearch_cores(capacity.load)
    each = math.ceil(needed / search.nodes * 10) / 10
    if cores_of(search) < needed:
        yield Refusal(
            ("data", "elasticsearch", "cpu"),
            search.cpu,
            f"at least {each:g} with {search.nodes} of nodes: tracardi:capacity declares "
            f"{float(capacity.peak * capacity.load.share):.4g} new visitors/s at the peak, and a core was seen to take "
            f"in {ELASTICSEARCH_NEW_PER_CORE} at best",
            "Raise cpu or nodes, name Elasticsearch of your own under external, or correct tracardi:capacity.",
        )


def volumes_hold_what_is_kept(capacity: CapacitySettings | None, data: DataSettings, index: IndexSettings) -> Refusals:
    """Elasticsearch's volumes in the cluster hold the events of as many days as they are kept."""
    search = data.elasticsearch
    if capacity is None or capacity.retention_days is None or search.external is not None:
        return
    each = least_volume(capacity.load, copies_of(search, index), search.nodes, capacity.retention_days)
    if storage_of(search) < each * search.nodes:
        stored = stored_events(capacity.sustained, capacity.load)
        yield Refusal(
            ("data", "elasticsearch", "storage"),
            search.storage,
            f"at least {_gibibytes(each)} with {search.nodes} of nodes: tracardi:capacity declares "
            f"{float(stored):.4g} stored events/s, kept for {capacity.retention_days} days",
            "Raise storage or nodes, keep events for fewer days, or name Elasticsearch of your own under external.",
        )


def shards_hold_an_index(capacity: CapacitySettings | None, index: IndexSettings) -> Refusals:
    """The primary shards of an event index take in all events of the time that it covers."""
    if capacity is None:
        return
    needed = least_shards(capacity.load, index.event_partitioning.days)
    if index.shards < needed:
        stored = stored_events(capacity.sustained, capacity.load)
        yield Refusal(
            ("index", "shards"),
            index.shards,
            f"at least {needed}: tracardi:capacity declares {float(stored):.4g} stored events/s, an index takes in a "
            f"{index.event_partitioning} of them, and a shard {SHARD_DOCUMENTS / 1e9:.1f} billion at most",
            "Raise it; where Tracardi is installed, it stays as it is, so declare a share of the load here and install "
            "Tracardi more than once.",
        )


def _gibibytes(size: Fraction) -> str:
    """`size` as a quantity, rounded up to three digits."""
    whole = math.ceil(size / 2**30)
    step = 10 ** max(0, len(str(whole)) - 3)
    return f"{math.ceil(whole / step) * step}Gi"


def stores_accept_all_connections(
    capacity: CapacitySettings | None,
    installation: InstallationSettings,
    track: TrackSettings,
    gui_api: GuiApiSettings,
    services: ServicesSettings,
    data: DataSettings,
) -> Refusals:
    """MySQL in the cluster has a connection for each place in each instance's pools, and for what services open.

    Redis accepts more than all instances that a stack may have can open, and Elasticsearch has no limit.
    """
    if capacity is None:
        return
    for store in stores_of(installation, gui_api, services, data):
        needed = store.needed(track.replicas.max)
        if store.name == "MySQL" and store.limit is not None and store.limit < needed:
            yield Refusal(
                ("data", "mysql", "maxConnections"),
                store.limit,
                f"at least {needed}: track.replicas.max is {track.replicas.max}, guiApi.replicas {gui_api.replicas}; "
                f"these instances, and the extra ones of rolling updates, open up to {store.per_instance} each"
                + (f", services {store.services}" if store.services else ""),
                "Raise it, and memory with it, or name MySQL of your own under external.",
            )
