"""Training: a configuration, and the loop that it drives (torch is imported only when training starts)."""

from pathlib import Path

from fauxface.training.config import TrainingConfig

__all__ = ["TrainingConfig", "check", "train"]


def train(config: TrainingConfig) -> Path:
    """Train a model and return the run's folder; see `fauxface.training.loop.train`."""
    from fauxface.training.loop import train as run

    return run(config)


def check(config: TrainingConfig) -> None:
    """ValueError, in one line, for all that training would refuse before it looks at the data."""
    from fauxface.training.loop import check as run

    run(config)
