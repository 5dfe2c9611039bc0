"""Training: the configuration and the loop; torch is imported only when training starts."""

from pathlib import Path

from fauxface.training.config import TrainingConfig

__all__ = ["TrainingConfig", "check", "train"]


def train(config: TrainingConfig) -> Path:
    """Train a model and return the run's folder; see `fauxface.training.loop.train`."""
    from fauxface.training.loop import train as run

    return run(config)


def check(config: TrainingConfig) -> None:
    """Raise a ValueError of one line for a configuration that training refuses before it reads the data."""
    from fauxface.training.loop import check as run

    run(config)
