"""`python -m infra.local run|up|down|status`: the small profile in the foreground or behind.

Exit codes: 0 done, 1 not (yet) ready, 2 something a person has to put right, 3 not running.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.local import background, plan, run
from infra.local.trouble import Trouble
from services.common.settings import DEPARTMENTS

WRONG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    options = _parser().parse_args(arguments)
    try:
        return _act(options)
    except Trouble as trouble:
        sys.stderr.write(f"{trouble}\n")
        return WRONG
    except KeyboardInterrupt:  # before the supervisor took over the signals
        return 130


def _act(options: argparse.Namespace) -> int:
    if not sys.platform.startswith("linux"):
        raise Trouble("只能在 Linux 上运行（Debian 12、Ubuntu 24.04 或相近的系统）。")
    environment = {**_dotenv(), **os.environ}
    run_dir = Path(environment.get("ZHENGTONG_RUN_DIR") or ".run")
    if options.action == "status":
        return background.status(run_dir, as_json=options.json)
    if options.action == "down":
        return background.down(run_dir)
    if options.action == "up":
        return background.up(run_dir, _options_of_run(options))
    os.environ.update(environment)
    departments = options.departments or DEPARTMENTS
    the_plan = plan.make(environment, run_dir, departments=departments, apart=options.apart)
    parent = os.getppid() if options.follow_parent else None
    run.run(the_plan, only=options.only, sample=not options.no_sample, parent=parent)
    return 0


def _options_of_run(options: argparse.Namespace) -> list[str]:
    """The same options for the supervisor in the background."""
    words = ["--apart"] * options.apart + ["--no-sample"] * options.no_sample
    for name in ("departments", "only"):
        values = getattr(options, name)
        words += [f"--{name}", *values] if values else []
    return words


def _dotenv() -> dict[str, str]:
    """The settings a person keeps in `.env`; the environment itself comes first."""
    file = Path(".env")
    return run.read_lines(file) if file.is_file() else {}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    for name, text in (("run", "在前台运行，Ctrl-C 停止"), ("up", "在后台运行，就绪后返回")):
        action = actions.add_parser(name, help=text)
        action.add_argument("--apart", action="store_true", help="每个部门各自的进程")
        action.add_argument("--no-sample", action="store_true", help="不载入示例数据")
        action.add_argument("--departments", nargs="+", default=[], metavar="NAME")
        action.add_argument("--only", nargs="+", default=[], metavar="PROCESS", help="只启动这些")
        action.add_argument("--follow-parent", action="store_true", help="父进程结束时停止")
    actions.add_parser("down", help="停止后台运行的平台")
    status = actions.add_parser("status", help="各进程的状态")
    status.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
