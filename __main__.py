"""Tracardi in production: load the settings, build the topology, export what users need."""

import gc
import os

# The program lives for two seconds and frees next to nothing: looking for garbage is a tenth of every preview.
gc.disable()

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, get_config_secret_keys_env, is_config_secret

from components.context import context_of
from components.existing import kept_secrets, look_for_secrets
from components.outputs import outputs
from components.target import UID_OUTPUT, TargetError, connect, find_target, remembered_cluster
from components.tracardi import Tracardi, TracardiArgs
from components.volumes import look_at_volumes
from model.roles import Tier
from settings.load import SettingsError, parse


def main() -> None:
    """Run the program.

    Raises:
        pulumi.RunError: settings or target cannot be used; nothing has been registered then.
    """
    try:
        configuration = {**get_config_env(), **CONFIG.get()}
        encrypted = {*get_config_secret_keys_env(), *filter(is_config_secret, configuration)}
        settings = parse(configuration, encrypted)
        target = find_target(settings.target, os.environ)
        look_for_secrets(target, settings)
        look_at_volumes(target, settings)
        # Whatever is to be kept now: what an earlier life kept opens the volumes that are there.
        kept = kept_secrets(target, context_of(settings).namespace(Tier.DATA))
    except (SettingsError, TargetError) as problem:
        raise pulumi.RunError(str(problem)) from problem

    for advice in settings.advice():
        pulumi.warn(advice)
    provider = connect(target, remembered_cluster())
    tracardi = Tracardi(
        settings.installation.name,
        TracardiArgs(settings, kept),
        pulumi.ResourceOptions(providers={"kubernetes": provider}),
    )
    for name, value in outputs(settings, tracardi).items():
        pulumi.export(name, value)
    pulumi.export(UID_OUTPUT, target.uid)


main()
