"""Checkpoints on a model hub, named ``hf://OWNER/NAME`` or ``hf://OWNER/NAME@REVISION``."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from fauxface.console import progress_console

_NAME = re.compile(r"hf://?(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_FILES = ["model.yaml", "model.safetensors", "model.onnx"]


def is_on_hub(name: str | Path) -> bool:
    """True for a name that begins with ``hf:``; as a `Path` it has one slash less."""
    return str(name).startswith("hf:/")


@lru_cache
def hub_folder(name: str) -> Path:
    """The folder, in the hub's own cache, of a checkpoint's files; they are fetched if they are not there.

    ``HF_ENDPOINT`` names another server, ``HF_HOME`` another cache folder. ValueError, in one line, for a name of
    another form and without the package huggingface-hub; OSError, in one line, if the files cannot be fetched.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"{name}: a checkpoint on the hub is named hf://OWNER/NAME or hf://OWNER/NAME@REVISION")
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
        from huggingface_hub.utils import tqdm
    except ImportError:
        raise ValueError(f"{name} needs a package: pip install huggingface-hub") from None
    console = progress_console()

    class Bar(tqdm):
        """The package's progress bar, on terminals only, and not where a command is to be quiet."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": console.quiet or not console.is_terminal})

    place, revision = f"{found['owner']}/{found['name']}", found["revision"]
    try:
        return Path(snapshot_download(place, revision=revision, allow_patterns=_FILES, tqdm_class=Bar, **_settings()))
    except HFValidationError as error:
        raise ValueError(f"{name}: {str(error).splitlines()[0]}") from None
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise OSError(f"{name} cannot be fetched: {reason}") from None


def _settings() -> dict[str, Any]:
    """Server and cache folder as the environment names them now: the package looks only when it is imported."""
    home = os.environ.get("HF_HOME")
    cache = {} if not home or "HF_HUB_CACHE" in os.environ else {"cache_dir": Path(home) / "hub"}
    return {"endpoint": os.environ.get("HF_ENDPOINT"), **cache}
