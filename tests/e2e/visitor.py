"""A person at a browser: how they get about, and what holds for every page they see."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Page

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SCREENS = {"desktop": DESKTOP, "phone": PHONE}


@dataclass
class Visitor:
    """A person at a screen; what the browser complains of and whom it asks is kept."""

    page: Page
    home: str
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _hear(self, message) -> None:
        # That a page itself is a 404 is for the test to say; of all else nothing may fail.
        own = message.location.get("url") == self.page.url
        if not (own and message.text.startswith("Failed to load resource")):
            self.complaints.append(message.text)

    async def open(self, path: str, status: int = 200) -> None:
        reply = await self.page.goto(f"{self.home}{path}")
        assert reply.status == status
        await self.look()

    async def look(self) -> None:
        """What holds for every page: nothing sticks out, one heading, a title."""
        assert await self.page.title()
        assert await self.page.locator("h1").count() == 1
        room = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await self.page.evaluate(room) <= 0, f"{self.page.url} is wider than the screen"

    async def search(self, text: str, region: str = "") -> None:
        await self.page.locator("#q").fill(text)
        await self.page.locator("#q").blur()  # as who goes on to the next field
        if region:
            await self.page.get_by_label("地区").select_option(region)
        await self.page.get_by_role("button", name="查询").click()
        await self.page.wait_for_load_state()
        await self.look()

    async def follow(self, locator) -> None:
        """Click a link that leads to another page."""
        await locator.click()
        await self.page.wait_for_load_state()
        await self.look()

    def group(self, name: str):
        heading = self.page.get_by_role("heading", name=name, exact=True)
        return self.page.locator("section.group").filter(has=heading)

    def hits(self, within=None):
        return (within or self.page.locator("main")).locator("article .hit-title a")

    async def read(self) -> str:
        """All words of the page, also those that are folded away."""
        return await self.page.locator("main").text_content()

    def link(self, name: str):
        return self.page.get_by_role("link", name=name, exact=True)


@contextlib.asynccontextmanager
async def visiting(browser, city, screen, *, script=True):
    """One person from coming to leaving; leaving is when the complaints are counted."""
    context = await browser.new_context(
        viewport=screen, locale="zh-CN", java_script_enabled=script, has_touch=screen is PHONE
    )
    context.set_default_timeout(20_000)
    visitor = Visitor(await context.new_page(), city.stack.base_url)
    visitor.watch()
    yield visitor
    assert visitor.complaints == [], visitor.complaints
    foreign = [url for url in visitor.asked if not url.startswith((visitor.home, "data:"))]
    assert foreign == [], "the portal asks nobody else for anything"
    await context.close()
