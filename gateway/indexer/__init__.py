"""Follows every department's event log and writes the index of the one-stop query."""
