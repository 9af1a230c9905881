"""Ways into a stack: what there is, who can use it, and how far a request gets."""
