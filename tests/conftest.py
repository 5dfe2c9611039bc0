"""What all tests share."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The user's cache folder is left alone, here and in the commands that tests start."""
    os.environ["FAUXFACE_CACHE"] = str(tmp_path_factory.mktemp("cache"))
