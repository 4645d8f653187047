"""The commands, as one reads them in `zhengtong --help`."""

from __future__ import annotations

import typer

from gateway.cli import access, audit, departments, events, imports, index

app = typer.Typer(
    name="zhengtong",
    help="政通：互联网＋政务服务平台的命令行工具。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(imports.app, name="import", help="导入文件；可重复执行，已有的不会重复。")
app.add_typer(index.app, name="index", help="一站式查询的索引。")
app.add_typer(events.app, name="events", help="各部门推迟或未能处理的消息。")
app.add_typer(audit.app, name="audit", help="审计记录：树头、导出和验证。")
app.add_typer(access.accounts, name="account", help="账户：第一位系统管理员。")
app.add_typer(access.clients, name="client", help="部门系统及其接口密钥。")
app.command("status", help="平台与各依赖是否就绪。")(departments.status)
app.command("stop", help="停止一个部门，其他部门照常服务。")(departments.stop)
app.command("start", help="恢复一个停止的部门。")(departments.start)
