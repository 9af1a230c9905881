"""Production's stack, deployed once: what is tried at it while it runs, one after the other."""
