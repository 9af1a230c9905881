"""An installation that runs: what the program made for it, its entries, and changes to either."""
