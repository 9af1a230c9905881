"""What a rule hears when something cannot be judged."""


class UnreadableError(ValueError):
    """Something is written in a way that cannot be judged; the message says what and where."""
