import numpy as np

from . import normal, sample


def spread(*shape):
    """No two closer than 0.1, however many: no ties within reach of a finite difference."""
    n = int(np.prod(shape))
    return 0.1 * (np.random.default_rng(n).permutation(n).reshape(shape) - n / 2)


# images, window, stride, padding, dilation
CASES = [
    ((2, 2, 4, 6), (2, 2), (2, 2), (0, 0), (1, 1)),
    ((2, 3, 5, 7), (2, 3), (2, 2), (0, 0), (1, 1)),  # stride leaves a remainder
    ((1, 2, 6, 5), (3, 2), (2, 3), (1, 1), (1, 1)),
    ((1, 2, 6, 7), (3, 3), (1, 1), (1, 1), (1, 1)),  # windows overlap
    ((1, 1, 9, 8), (2, 3), (3, 2), (1, 1), (2, 2)),
    ((1, 1, 4, 4), (2, 2), (3, 3), (1, 1), (1, 1)),  # pixels in no window
    ((2, 1, 3, 4), (3, 4), (1, 1), (0, 0), (1, 1)),  # window = image
    ((1, 2, 3, 3), (1, 1), (1, 1), (0, 0), (1, 1)),
    ((0, 2, 4, 4), (2, 2), (2, 2), (0, 0), (1, 1)),  # no images
    ((9, 11, 17, 16), (3, 3), (2, 2), (1, 1), (1, 1)),  # large enough for strips
]

SAMPLES = {"max_pool": [], "avg_pool": []}
for image, window, stride, padding, dilation in CASES:
    for ceil_mode in (False, True):
        how = {"kernel_size": window, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
        SAMPLES["max_pool"].append(sample(spread(*image), dilation=dilation, **how))
        SAMPLES["avg_pool"].append(sample(normal(*image), count_include_pad=not ceil_mode, **how))
for image, window, stride, padding, _ in CASES[2:6]:
    how = {"kernel_size": window, "stride": stride, "padding": padding, "ceil_mode": True}
    SAMPLES["avg_pool"].append(sample(normal(*image), count_include_pad=True, **how))

# One axis, and three
for image, window, stride, padding, dilation in [
    ((2, 2, 9), (3,), (2,), (1,), (1,)),
    ((1, 2, 8), (2,), (3,), (0,), (2,)),
    ((1, 2, 4, 3, 5), (2, 1, 2), (1, 2, 2), (1, 0, 0), (1, 1, 2)),
]:
    how = {"kernel_size": window, "stride": stride, "padding": padding, "ceil_mode": True}
    SAMPLES["max_pool"].append(sample(spread(*image), dilation=dilation, **how))
    SAMPLES["avg_pool"].append(sample(normal(*image), count_include_pad=False, **how))
