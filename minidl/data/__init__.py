"""Data: datasets, samplers, batches, augmentation, readers of files, and two sets that are always there."""

from . import transforms
from .cifar import CIFAR10
from .collate import collate, pad_collate
from .collate import collate as default_collate
from .dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
    stratified_split,
)
from .digits import load_digits, split_digits
from .idx import load_mnist, read_idx
from .images import ImageFolder, read_image
from .loader import DataLoader
from .samplers import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from .streams import current_generator
from .table import Categories, CSVDataset
from .text import TextWindows, Vocabulary, default_text, read_text
from .transforms import RandomAffine

__all__ = [
    "CIFAR10",
    "BatchSampler",
    "CSVDataset",
    "Categories",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "ImageFolder",
    "IterableDataset",
    "RandomAffine",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "TextWindows",
    "Vocabulary",
    "WeightedRandomSampler",
    "collate",
    "current_generator",
    "default_collate",
    "default_text",
    "load_digits",
    "load_mnist",
    "pad_collate",
    "random_split",
    "read_idx",
    "read_image",
    "read_text",
    "split_digits",
    "stratified_split",
    "transforms",
]
