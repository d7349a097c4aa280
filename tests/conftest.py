"""Settings for all tests."""

import os

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure; in CI the same examples run every time.
settings.register_profile(
    "everygrain",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("everygrain")

# Workers beside one another share the cores: threads of one would wait for those of another.
# Set before anything imports numpy or torch, and for every process that a test starts.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers `--numprocesses auto` starts; 0: the tests run in this process."""
    available = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
    cores = len(available(0))
    return min(cores, 4) if cores > 1 else 0
