"""Training: the loop, what it shows, and what it leaves behind."""

from .history import History
from .progress import Progress
from .run import Run, environment
from .schedule import warm_cosine
from .threads import calm_threads
from .trainer import Trainer, accuracy

__all__ = ["History", "Progress", "Run", "Trainer", "accuracy", "calm_threads", "environment", "warm_cosine"]
