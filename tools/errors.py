"""What a tool says when it cannot go on for a reason that a person can mend."""


class ToolError(Exception):
    """A failure for a person to read: what, where and the remedy. Ends the tool with status 1, without a traceback."""
