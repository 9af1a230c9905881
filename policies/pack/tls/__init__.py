"""Certificates: what each will be, how long it lives, and who trusts it."""
