"""Reading HAProxy's configuration, as far as rules ask about it. What is not understood is said, never guessed."""
