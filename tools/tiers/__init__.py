"""`make test`: the tiers that this machine allows, one after the other, and a table of what was not run and why."""
