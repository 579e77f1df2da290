from . import normal, sample

# images, kernels, stride, padding, dilation, groups
CASES = [
    ((2, 3, 6, 5), (4, 3, 3, 3), (1, 1), (0, 0), (1, 1), 1),
    ((2, 2, 5, 7), (3, 2, 3, 2), (2, 1), (1, 2), (1, 1), 1),
    ((1, 4, 6, 6), (6, 2, 2, 2), (1, 2), (1, 0), (2, 1), 2),
    ((2, 3, 7, 8), (3, 1, 3, 3), (2, 3), (1, 1), (1, 2), 3),  # each channel alone
    ((1, 2, 5, 5), (6, 1, 3, 3), (2, 2), (1, 1), (2, 2), 2),  # three kernels for each channel
    ((2, 5, 4, 3), (3, 5, 1, 1), (1, 1), (0, 0), (1, 1), 1),  # 1 × 1
    ((1, 2, 5, 6), (3, 2, 1, 1), (2, 3), (1, 1), (1, 1), 1),  # 1 × 1, pixels and padding skipped
    ((2, 2, 3, 4), (2, 2, 3, 4), (1, 1), (0, 0), (1, 1), 1),  # kernel = image
    ((1, 1, 7, 8), (1, 1, 2, 3), (4, 3), (0, 0), (1, 1), 1),  # stride leaves a remainder, and pixels out
    ((1, 1, 9, 9), (1, 1, 3, 3), (3, 3), (2, 2), (2, 3), 1),
    ((1, 1, 2, 3), (2, 1, 4, 3), (1, 1), (3, 1), (1, 1), 1),  # kernel larger than the image
    ((0, 2, 4, 4), (3, 2, 3, 3), (1, 1), (1, 1), (1, 1), 1),  # no images
    ((1, 1, 1, 9), (2, 1, 1, 4), (1, 2), (0, 1), (1, 1), 1),  # one line
    ((33, 2, 4, 4), (5, 2, 3, 3), (1, 1), (1, 1), (1, 1), 1),  # several images in a row, and a last row of fewer
    ((5, 6, 14, 15), (17, 6, 3, 3), (1, 1), (1, 1), (1, 1), 1),  # large enough for strips
    ((4, 3, 17, 18), (9, 3, 5, 5), (2, 2), (2, 2), (1, 1), 1),  # the same, with stride
    ((1, 40, 7, 7), (3, 40, 3, 3), (1, 1), (1, 1), (1, 1), 1),  # more channels than a tile takes at once
    ((2, 3, 9), (4, 3, 3), (1,), (1,), (1,), 1),  # sounds
    ((2, 4, 11), (6, 2, 3), (2,), (3,), (2,), 2),
    ((1, 2, 7, 3), (2, 2, 2, 3), (3, 1), (1, 2), (2, 1), 1),
    ((2, 2, 3, 4, 3), (3, 2, 2, 2, 3), (1, 1, 1), (0, 1, 1), (1, 1, 1), 1),  # volumes
    ((1, 2, 4, 3, 5), (2, 1, 2, 1, 2), (2, 1, 3), (1, 0, 0), (1, 1, 2), 2),
]

SAMPLES = {"conv": [], "conv_input": [], "conv_weight": []}
for image, kernel, stride, padding, dilation, groups in CASES:
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    each = zip(image[2:], kernel[2:], stride, padding, dilation, strict=True)
    places = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in each]
    x, w, dy = normal(*image), normal(*kernel), normal(image[0], kernel[0], *places)
    SAMPLES["conv"].append(sample(x, w, **how))
    SAMPLES["conv_input"].append(sample(dy, w, size=image[2:], **how))
    SAMPLES["conv_weight"].append(sample(x, dy, size=kernel[2:], **how))
