"""What an installation is made of, between sections of the settings."""

from collections import Counter

from model.images import Software
from model.routes import Collection
from settings.base import Refusal, Refusals
from settings.clusters import TrackSettings
from settings.data import DataSettings
from settings.installation import Bridge, InstallationSettings
from settings.others import others_stores
from settings.platform import PlatformSettings

_RUN_BY = {
    Software.MYSQL_ROUTER: "it carries the tunnel to MySQL",
    Software.PULSAR: "the commercial edition runs it",
}


def event_sources_can_be_reached(installation: InstallationSettings, track: TrackSettings) -> Refusals:
    """Events of a declared source find a route that is open."""
    needed = {Bridge.WEBHOOK: Collection.COLLECT, Bridge.REDIRECT: Collection.REDIRECT}
    for index, source in enumerate(installation.event_sources):
        route = needed.get(source.bridge)
        if route is not None and route not in track.routes:
            yield Refusal(
                ("installation", "eventSources", index, "bridge"),
                source.bridge,
                f"tracardi:track.routes with {route} in it: events of this source arrive there, and it is closed",
                f"Add {route} to tracardi:track.routes, or choose another bridge.",
            )


def event_sources_differ(installation: InstallationSettings) -> Refusals:
    """Each event source has an identifier of its own."""
    count = Counter(source.id for source in installation.event_sources)
    for index, source in enumerate(installation.event_sources):
        if count[source.id] > 1:
            yield Refusal(
                ("installation", "eventSources", index, "id"),
                source.id,
                "different from every other event source's",
                "Give each its own, or remove one.",
            )


def api_and_console_are_of_one_release(installation: InstallationSettings, platform: PlatformSettings) -> Refusals:
    """Tracardi's documentation: API and GUI must carry the same version tag."""
    images = installation.facts.images
    api, gui = (platform.image(software, images[software]).tag for software in (Software.API, Software.GUI))
    if api != gui:
        yield Refusal(
            ("platform", "images", "gui", "tag"),
            gui,
            f"the API's tag, which is {api}: API and console of different releases do not understand each other",
            "Give both the same tag.",
        )


def replaced_images_are_of_the_release(installation: InstallationSettings, platform: PlatformSettings) -> Refusals:
    """Another tag may mean another build, not another release: what is known holds for the catalogue's alone."""
    usual = installation.facts.images
    series = {
        Software.API: installation.release,
        Software.GUI: installation.release,
        Software.ELASTICSEARCH: ".".join(usual[Software.ELASTICSEARCH].tag.split(".")[:2]),
    }
    for software, known in series.items():
        tag = platform.image(software, usual[software]).tag
        if tag != known and not tag.startswith((f"{known}.", f"{known}-")):
            yield Refusal(
                ("platform", "images", software, "tag"),
                tag,
                f"{known}, or a build of it such as {known}-1: nothing else is known of {installation.release}",
                "Choose such a tag, or another release.",
            )


def images_belong_to_the_release(
    installation: InstallationSettings, data: DataSettings, platform: PlatformSettings
) -> Refusals:
    """No image is replaced that nothing runs."""
    images = set(installation.facts.images)
    if data.mysql is None or not data.mysql.tunnel:
        images -= {Software.MYSQL_ROUTER}
    outside = {Software(store.need.value) for store in others_stores(installation, data)}
    for software in Software:
        if software in images - outside or not platform.images.of(software).model_fields_set:
            continue
        reason = f"{_RUN_BY.get(software, 'another release runs it')}, and this stack has none"
        if software in outside:
            reason = f"tracardi:data.{software}.external is run by others"
        yield Refusal(("platform", "images", software), "present", f"unused: {reason}", "Remove it.")
