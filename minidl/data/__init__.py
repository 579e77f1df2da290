"""Data: datasets, batches, readers of files, and two sets that are always there (digits and a text)."""

from .dataset import Dataset, Subset, TensorDataset, random_split, stratified_split
from .digits import load_digits, split_digits
from .idx import load_mnist, read_idx
from .loader import DataLoader, collate
from .text import TextWindows, Vocabulary, default_text, read_text
from .transforms import RandomAffine

__all__ = [
    "DataLoader",
    "Dataset",
    "RandomAffine",
    "Subset",
    "TensorDataset",
    "TextWindows",
    "Vocabulary",
    "collate",
    "default_text",
    "load_digits",
    "load_mnist",
    "random_split",
    "read_idx",
    "read_text",
    "split_digits",
    "stratified_split",
]
