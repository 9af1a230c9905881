"""Who connects: HTTP clients, raw bytes, load and a browser, each from a place of the sandbox."""
