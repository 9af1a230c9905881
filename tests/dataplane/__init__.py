"""The program's own resources run as processes: proxies, pods and certificates that carry real traffic."""
