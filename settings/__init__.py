"""The stack configuration: parsed once, into frozen models, before anything is registered."""
