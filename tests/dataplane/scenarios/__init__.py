"""Situations that several tests look at, and that take long to come about."""
