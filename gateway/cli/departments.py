"""`zhengtong status|stop|start`: how the platform is, and one department taken out or put back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import httpx
import typer

from gateway.cli.saying import DIFFERS, NO_ANSWER, WRONG_USE, AsJson, fail, give, say, table
from gateway.cli.surroundings import gateway_url, settings, trust
from services.common.settings import DEPARTMENTS

Department = Annotated[str, typer.Argument(help="部门，如 credit。")]


def status(as_json: AsJson = False) -> None:
    """Every dependency by name; exit code 1 while one is not ready."""
    known = settings()
    url = f"{gateway_url(known)}/readyz"
    try:
        answer = httpx.get(url, timeout=5, verify=trust(known), trust_env=False)
        ready = answer.json()
    except (httpx.TransportError, ValueError):
        fail(f"网关没有应答：{url}。启动：make up", NO_ANSWER)
    if as_json:
        give(ready)
    else:
        checks = ready.get("checks", {})
        rows = [
            (
                name,
                "就绪" if check.get("status") == "ok" else "未就绪",
                str(check.get("detail", "")),
            )
            for name, check in checks.items()
        ]
        table(("依赖", "状态", "说明"), rows)
    raise typer.Exit(0 if answer.status_code == httpx.codes.OK else DIFFERS)


def stop(department: Department) -> None:
    """Stop one department's servicer, worker and relay; the others go on."""
    control = _control(department)
    control.parent.mkdir(parents=True, exist_ok=True)
    control.touch()
    say(f"{department} 将在一秒内停止；恢复：zhengtong start {department}")


def start(department: Department) -> None:
    """Let a stopped department serve again."""
    _control(department).unlink(missing_ok=True)
    say(f"{department} 将在数秒内恢复。")


def _control(department: str) -> Path:
    if department not in DEPARTMENTS:
        fail(f"没有部门 {department}，可用：{'、'.join(DEPARTMENTS)}", WRONG_USE)
    return settings().control_dir / f"{department}.stopped"
