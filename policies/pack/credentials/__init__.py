"""Secrets: where pods find them, what they are made of, and what texts give away."""
