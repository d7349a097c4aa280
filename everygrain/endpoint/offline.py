"""The switch that keeps every request on this machine."""

from __future__ import annotations

import ipaddress
import os

from everygrain.errors import ModelError

VARIABLE = "EVERYGRAIN_OFFLINE"


def is_offline() -> bool:
    """Tell whether EVERYGRAIN_OFFLINE is set to anything but 0, false, no, off or nothing."""
    return os.environ.get(VARIABLE, "").strip().lower() not in ("", "0", "false", "no", "off")


def go_offline() -> None:
    """Forbid requests to other machines in this process and those that it starts from now on."""
    os.environ[VARIABLE] = "1"


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its name or address alone: nothing is looked up."""
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def check_allowed(host: str) -> None:
    """Raise ModelError if the switch is on and a host is another machine."""
    if is_offline() and not is_loopback(host):
        raise ModelError(
            f"--offline is on ({VARIABLE}), and a request to {host} would leave this machine.",
            "Leave --offline out, unset the variable, or use a service on 127.0.0.1.",
        )
