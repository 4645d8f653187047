"""A real browser, and departments taken out while people look."""

from __future__ import annotations

import contextlib

import pytest
from playwright.async_api import async_playwright

from services.common.settings import DEPARTMENTS

CHROMIUM = "/usr/bin/chromium"
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AGAIN_SECONDS = 60.0


@pytest.fixture(scope="module")
async def browser():
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield running
        await running.close()


@contextlib.contextmanager
def taken_out(city, department):
    """While this lasts, a department is down and the index knows it."""
    assert department in DEPARTMENTS
    assert city.zhengtong("stop", department).code == 0
    try:
        away = lambda: city.source(department)["status"] == "unavailable"  # noqa: E731
        city.until(away, f"{department} 停止", AGAIN_SECONDS)
        yield
    finally:
        assert city.zhengtong("start", department).code == 0
        back = lambda: city.source(department)["status"] == "ok"  # noqa: E731
        city.until(back, f"{department} 恢复", AGAIN_SECONDS)
