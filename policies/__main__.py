"""Entry point of the policy pack: registers the rules, and serves them until the engine ends it."""

import gc
import sys
from pathlib import Path

# The pack lives for seconds and lets go of next to nothing: looking for garbage is a third of an analysis.
gc.disable()

# The engine runs this folder; what the rules share with the program lies beside it.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import EnforcementLevel, PolicyPack

from policies.pack.crossguard import policies
from policies.pack.decoding import decode_once
from policies.pack.registry import RULES

decode_once()
PolicyPack("tracardi-production", [*policies(RULES)], enforcement_level=EnforcementLevel.MANDATORY)
