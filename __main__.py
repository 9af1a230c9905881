"""Tracardi in production: load the settings, build the topology, export what users need."""

import gc
import os

# The program lives for two seconds and frees next to nothing: looking for garbage is a tenth of every preview.
gc.disable()

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from components.outputs import outputs
from components.target import UID_OUTPUT, TargetError, connect, find_target, remembered_cluster
from components.tracardi import Tracardi, TracardiArgs
from settings.load import SettingsError, parse


def main() -> None:
    """Run the program.

    Raises:
        pulumi.RunError: settings or target cannot be used; nothing has been registered then.
    """
    try:
        settings = parse({**get_config_env(), **CONFIG.get()})
        target = find_target(settings.target, os.environ)
    except (SettingsError, TargetError) as problem:
        raise pulumi.RunError(str(problem)) from problem

    provider = connect(target, remembered_cluster())
    tracardi = Tracardi(
        settings.installation.name,
        TracardiArgs(settings),
        pulumi.ResourceOptions(providers={"kubernetes": provider}),
    )
    for name, value in outputs(settings, tracardi).items():
        pulumi.export(name, value)
    pulumi.export(UID_OUTPUT, target.uid)


main()
