"""What stands behind the Makefile; standard library only, because it runs before any environment exists."""
