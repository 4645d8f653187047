"""A gateway with accounts and one department: a catalogue that a test has made."""

from __future__ import annotations

from contextlib import asynccontextmanager

from zhengtong.catalogue.v1 import catalogue_service_pb2_grpc

from infra.local.keys import make_pair
from tests.contract.gateway_house import settings_in
from tests.contract.identity_house import identity_house, serving


@asynccontextmanager
async def catalogue_house(tmp_path, catalogue):
    keys = settings_in(tmp_path).keys_dir
    make_pair(keys, "identity")
    attach = catalogue_service_pb2_grpc.add_CatalogueServiceServicer_to_server
    with serving("catalogue", keys, lambda server: attach(catalogue, server)) as address:
        async with identity_house(tmp_path, departments={"catalogue": address}) as house:
            yield house
