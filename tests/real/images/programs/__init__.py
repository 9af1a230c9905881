"""What the images run: programs by themselves, which see nothing of this repository."""
