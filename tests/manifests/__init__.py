"""Both stacks as plain manifests, and what programs of others find in them."""
