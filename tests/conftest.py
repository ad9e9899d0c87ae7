"""What every test shares: how property tests draw, and where third-party data may be found."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).parents[1]

# The same examples on every run, so that a red run is red again; `HYPOTHESIS_PROFILE=night` searches afresh and long.
settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("night", settings.get_profile("steady"), derandomize=False, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def shared_folder(name: str) -> Path | None:
    """A folder of third-party data beside the checkout, or None: nothing of it lies in the repository."""
    root = Path(os.environ.get("LEEWARD_SHARED", REPOSITORY.parent / "shared"))
    folder = root / "data" / name
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def third_party() -> Callable[[str], Path]:
    """Finds a folder of third-party data by name; skips the test, saying so, where it is absent."""

    def find(name: str) -> Path:
        folder = shared_folder(name)
        if folder is None:
            pytest.skip(f"third-party data not here: ../shared/data/{name} (or set LEEWARD_SHARED)")
        return folder

    return find
