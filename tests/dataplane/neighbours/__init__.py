"""What others run around an installation: Gateways, websites, servers that misbehave."""
