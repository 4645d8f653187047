"""What stops a start and what a person can do about it."""


class Trouble(Exception):
    """Something the person at the keyboard has to put right; the text says what and how."""


class AlreadyRunning(Trouble):
    """Another supervisor holds this run directory."""
