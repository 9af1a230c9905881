"""Stores as others run them: each speaks as much of its protocol as it is asked for, and misbehaves on demand."""
