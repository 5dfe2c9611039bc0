"""Other programs that show a run while it trains: TensorBoard, MLflow, Weights & Biases. None is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
"""A row of the run's log: a value for each of `fauxface.training.log.COLUMNS`."""
Tell = Callable[[Row], None]
TENSORBOARD = "tensorboard"
"""Folder of TensorBoard's files, in the run's folder."""


def check_logger(name: str | None) -> None:
    """Raise ValueError, in one line, where the package for ``--logger NAME`` is missing."""
    if name is not None and find_spec(name) is None:
        raise ValueError(f"--logger {name} needs a package: pip install {name}")


@contextmanager
def open_logger(name: str | None, run: Path, settings: Mapping[str, Any], done: int) -> Iterator[Tell]:
    """A function that tells a row of the log to the program of this name; None tells nobody.

    Args:
        name: a value of ``--logger``.
        run: the run's folder, whose name is the run's there too.
        settings: the training configuration.
        done: steps done before; rows of a killed run beyond them are dropped where the program can.
    """
    with _OPEN[name](run, settings, done) as tell:
        yield lambda row: tell(int(row["step"]), {key: float(value) for key, value in row.items() if key != "step"})


_Told = Callable[[int, dict[str, float]], Any]


@contextmanager
def _nobody(run: Path, settings: Mapping[str, Any], done: int) -> Iterator[_Told]:
    yield lambda step, values: None


@contextmanager
def _tensorboard(run: Path, settings: Mapping[str, Any], done: int) -> Iterator[_Told]:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(run / TENSORBOARD), purge_step=done + 1 if done else None) as writer:
        writer.add_text("settings", "\n".join(f"    {key}: {value}" for key, value in settings.items()), done)

        def tell(step: int, values: dict[str, float]) -> None:
            for key, value in values.items():
                writer.add_scalar(key, value, step)
            writer.flush()

        yield tell


@contextmanager
def _mlflow(run: Path, settings: Mapping[str, Any], done: int) -> Iterator[_Told]:
    import mlflow  # pyright: ignore[reportMissingImports]

    with mlflow.start_run(run_name=run.name, tags={"run": str(run), "steps_before": str(done)}):
        mlflow.log_params(settings)
        yield lambda step, values: mlflow.log_metrics(values, step=step)


@contextmanager
def _wandb(run: Path, settings: Mapping[str, Any], done: int) -> Iterator[_Told]:
    import wandb  # pyright: ignore[reportMissingImports]

    identity = blake2b(str(run.resolve()).encode(), digest_size=8).hexdigest()  # a resumed run goes on there
    with wandb.init(project="fauxface", name=run.name, id=identity, resume="allow", config=dict(settings)) as there:
        yield lambda step, values: there.log(values, step=step)


_OPEN = {None: _nobody, "tensorboard": _tensorboard, "mlflow": _mlflow, "wandb": _wandb}
