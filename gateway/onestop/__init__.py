"""The one-stop query (一站式查询): what every department shows, found by one question.

`OneStop` answers; the index it reads is written by gateway.indexer.
"""

from gateway.onestop.engine import OneStop

__all__ = ["OneStop"]
