"""One program hosts any departments: `python -m services servicer|worker|relay DEPARTMENT …`.

Each kind imports its own machinery only, because grpcio and nameko never share a process.
"""

import importlib
import sys

USAGE = "用法：python -m services servicer|worker|relay 部门…（如 catalogue credit）"


def main(arguments: list[str]) -> int:
    """Host departments until SIGTERM; the exit code: 0 stopped, 2 wrong use or settings."""
    kind, *departments = arguments or [""]
    if kind not in ("servicer", "worker", "relay") or not departments:
        sys.stderr.write(USAGE + "\n")
        return 2
    hosts = {"servicer": _servicer, "worker": _worker, "relay": _relay}
    return hosts[kind](departments)


def _servicer(departments: list[str]) -> int:
    from services.common import grpc_host, telemetry  # noqa: PLC0415
    from services.common.grpc_host import host  # noqa: PLC0415
    from services.common.settings import SettingMissing, Settings  # noqa: PLC0415

    telemetry.configure("servicer")
    plans: dict[str, grpc_host.Plan] = {
        name: importlib.import_module(f"services.{name}.servicer").PLAN for name in departments
    }
    try:
        host.serve(Settings.from_env(), plans)
    except (SettingMissing, host.PortTaken) as error:
        sys.stderr.write(f"无法启动：{error}\n")
        return 2
    return 0


def _worker(departments: list[str]) -> int:
    # First of all: it makes threads, locks and sockets cooperative.
    from services.common.delivery import host  # noqa: PLC0415, I001
    from services.common import telemetry  # noqa: PLC0415
    from services.common.settings import SettingMissing, Settings  # noqa: PLC0415

    telemetry.configure("worker")
    try:
        host.serve(Settings.from_env(), departments)
    except SettingMissing as error:
        sys.stderr.write(f"无法启动：{error}\n")
        return 2
    return 0


def _relay(departments: list[str]) -> int:
    import asyncio  # noqa: PLC0415

    from services.common import relay_host, telemetry  # noqa: PLC0415
    from services.common.settings import SettingMissing, Settings  # noqa: PLC0415

    telemetry.configure("relay")
    try:
        asyncio.run(relay_host.serve(Settings.from_env(), departments))
    except SettingMissing as error:
        sys.stderr.write(f"无法启动：{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
