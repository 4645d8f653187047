"""Publish what has no file to import, over the platform's own calls; safe to repeat."""

from __future__ import annotations

import sys
import time
import uuid
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import httpx

from gateway.cli.surroundings import gateway_url, settings, trust
from infra.sample.places import read

if TYPE_CHECKING:
    from infra.sample.places import Row

TRIES: Final = 8
LATER: Final = (429, 503, 504)
LISTS: Final = "/api/v1/list-adjustments"
MOST: Final = 200


def publish_guidance() -> int:
    """Publish the basic catalogue, occasions, questionnaires, adjustments; count the refusals."""
    with closing(_client()) as client:
        said = [
            *(
                _change(client, "/api/v1/basic-items:publish", {"basic_item": one})
                for one in read("basic_items.json")
            ),
            *(
                _change(client, "/api/v1/life-events:publish", {"event": one})
                for one in read("life_events.json")
            ),
            *(
                _change(client, "/api/v1/questionnaires:publish", {"questionnaire": one})
                for one in read("questionnaires.json")
            ),
            *_adjust(client),
        ]
    refused = [one for one in said if one]
    sys.stderr.writelines(f"{one}\n" for one in refused)
    return len(refused)


def _adjust(client: httpx.Client) -> list[str]:
    """Make the adjustments of each list that are not made yet.

    An adjustment cannot be made twice: what it adds stands on the list then.
    """
    said: list[str] = []
    coming: dict[tuple[str, str], int] = {}
    for one in read("list_adjustments.json"):
        of = one["kind"], one["dept_code"]
        if of not in coming:
            coming[of] = _made(client, *of)
        if coming[of] > 0:
            coming[of] -= 1
            continue
        said.append(_change(client, LISTS, one))
    return said


def _made(client: httpx.Client, kind: str, dept_code: str) -> int:
    """How many adjustments a list has had."""
    asked: dict[str, str | int] = {"kind": kind, "dept_code": dept_code, "page_size": MOST}
    answer = _patiently(lambda: client.get(LISTS, params=asked))
    return len(answer.raise_for_status().json().get("adjustments", []))


def _change(client: httpx.Client, path: str, body: Row) -> str:
    """Make one call; what was wrong, in words."""
    sent = {**body, "request_id": uuid.uuid4().hex}
    answer = _patiently(lambda: client.post(path, json=sent))
    return "" if answer.status_code == httpx.codes.OK else f"{path}: {answer.text}"


def _patiently(call: Any) -> httpx.Response:
    """Call again with the same request while the platform cannot answer."""
    delay = 0.5
    for _ in range(TRIES - 1):
        try:
            answer: httpx.Response = call()
        except httpx.TransportError:
            pass
        else:
            if answer.status_code not in LATER:
                return answer
        time.sleep(delay)
        delay = min(2 * delay, 10.0)
    last: httpx.Response = call()
    return last


def _client() -> httpx.Client:
    """A client with the key of this machine's command line."""
    known = settings()
    token = known.api_key_file.read_text().strip()
    return httpx.Client(
        base_url=gateway_url(known),
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
        verify=trust(known),
        trust_env=False,
    )
