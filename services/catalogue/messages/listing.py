"""What a list of items is asked for."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import TYPE_CHECKING

from services.catalogue.domain.listing import Asked

if TYPE_CHECKING:
    from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb


def asked_of(request: pb.ListItemsRequest) -> Asked:
    return Asked(
        region_code=request.region_code,
        catalog_code=request.catalog_code,
        dept_code=request.dept_code,
        project_type=request.project_type,
        use_level=request.use_level,
        task_type=request.task_type,
        corp_topic_type=request.corp_topic_type,
        user_topic_type=request.user_topic_type,
        server_type=request.server_type,
        is_online=request.is_online if request.HasField("is_online") else None,
    )


def question_of(asked: Asked) -> str:
    """What a page token is good for; no two questions are written alike."""
    return f"items/{json.dumps(astuple(asked))}"
