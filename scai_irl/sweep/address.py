"""Address of a Ray cluster, checked before Ray connects, since Ray would wait for minutes and then end the process."""

from __future__ import annotations

import importlib
import os
import socket
from typing import Any

from scai_irl.io.errors import InputError

AUTO = "auto"
_SECONDS = 5.0
_HEALTH = "/grpc.health.v1.Health/Check"  # gRPC's health checking protocol, to which the head of a cluster replies
_HINT = "start the head there with `ray start --head`, or correct the address"


def found_address(address: str) -> str:
    """Return the address of a cluster that answers.

    Args:
        address: ``HOST:PORT`` of its head, or ``auto`` for the cluster of this machine.

    Returns:
        ``HOST:PORT``.

    Raises:
        InputError: If there is no cluster, or it does not answer.
    """
    if address == AUTO:
        address = os.environ.get("RAY_ADDRESS", AUTO)
    if address == AUTO:
        services: Any = importlib.import_module("ray._private.services")  # the function that `ray status` uses
        try:
            address = services.canonicalize_bootstrap_address_or_die(AUTO)
        except ConnectionError as none:
            hint = "join one with `ray start`, or give HOST:PORT of its head"
            raise InputError("address", "this machine is part of no Ray cluster", hint) from none
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port) < 65_536) or "/" in host:
        raise InputError("address", f"{address!r} is not an address", "give HOST:PORT of the cluster's head, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS).close()
    except OSError as problem:
        raise InputError("address", f"there is no answer at {address} ({problem})", _HINT) from problem
    if os.environ.get("RAY_USE_TLS", "0") != "1":
        _refuse_others(address)
    return address


def _refuse_others(address: str) -> None:
    """Raise an error if a program other than a cluster's head listens there."""
    grpc: Any = importlib.import_module("grpc")
    directly = [("grpc.enable_http_proxy", 0)]  # without a proxy, like Ray itself
    with grpc.insecure_channel(address, options=directly) as channel:
        try:
            channel.unary_unary(_HEALTH)(b"", timeout=_SECONDS)
        except grpc.RpcError as problem:
            if problem.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
                raise InputError("address", f"the program at {address} is not a Ray cluster", _HINT) from problem
