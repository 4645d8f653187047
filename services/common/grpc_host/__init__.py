"""The process that serves departments over gRPC: one server, port and pool for each of them.

`department` is what a servicer is given, `door` what every call passes, `host` the process.
"""

from services.common.grpc_host.department import Department, Plan

__all__ = ["Department", "Plan"]
