"""Models: builders for what the command line trains, to be read as examples and used as parts."""

from .cnn import CNN
from .mlp import MLP
from .rows import RowsLSTM
from .transformer import CharacterTransformer

__all__ = ["CNN", "MLP", "CharacterTransformer", "RowsLSTM"]
