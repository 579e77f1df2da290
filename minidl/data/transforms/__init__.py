"""Images changed, at random or not, so that a model sees what it needs and more than the data holds.

Every transform takes an image (C, H, W) or a batch of them (N, C, H, W), and draws anew for each image of a batch. An
array gives an array, a Tensor a Tensor; of a tuple such as (images, labels) the first part is changed and the others
pass. So one transform serves as `transform=` of a dataset and of a DataLoader. No transform changes its input.

Draws come from `generator=` if given, else from the stream of the item or batch that a DataLoader is making, else from
the library's (`minidl.manual_seed`). What draws from a generator of its own depends on the order of the calls: in a
DataLoader with workers leave it out.
"""

from .base import Compose, Lambda, RandomApply, RandomChoice, Transform
from .colour import ColorJitter, GaussianNoise, Grayscale, Normalize, ToDtype, ToTensor
from .geometry import CenterCrop, Pad, RandomCrop, RandomErasing, RandomHorizontalFlip, RandomVerticalFlip
from .mixing import CutMix, MixUp
from .resample import RandomAffine, RandomResizedCrop, RandomRotation, Resize

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "CutMix",
    "GaussianNoise",
    "Grayscale",
    "Lambda",
    "MixUp",
    "Normalize",
    "Pad",
    "RandomAffine",
    "RandomApply",
    "RandomChoice",
    "RandomCrop",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomVerticalFlip",
    "Resize",
    "ToDtype",
    "ToTensor",
    "Transform",
]
