"""Training: a configuration, and the loop that it drives (torch is imported only when training starts)."""

from pathlib import Path

from fauxface.training.config import TrainingConfig

__all__ = ["TrainingConfig", "train"]


def train(config: TrainingConfig) -> Path:
    """Train a model and return the run's folder; see `fauxface.training.loop.train`."""
    from fauxface.training.loop import train as run

    return run(config)
