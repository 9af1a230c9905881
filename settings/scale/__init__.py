"""A million requests a second, on paper: `docs/scale.md`, its figures reckoned by the model of capacity."""
