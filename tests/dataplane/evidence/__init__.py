"""What really happened, seen from beside those who take part."""
