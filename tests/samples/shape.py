from . import normal, sample

PAIRS = [
    {"kernel_size": (3, 3), "stride": (1, 1), "dilation": (1, 1)},
    {"kernel_size": (2, 3), "stride": (2, 1), "dilation": (1, 2)},
    {"kernel_size": (2, 2), "stride": (3, 3), "dilation": (2, 1)},
]

SAMPLES = {
    "reshape": [
        sample(normal(3, 4), shape=(2, 6)),
        sample(normal(2, 3, 4), shape=(-1, 4)),
        sample(normal(), shape=(1, 1)),
    ],
    "transpose": [sample(normal(2, 3, 4)), sample(normal(2, 3, 4), axes=(1, 2, 0)), sample(normal(2, 3), axes=(-1, 0))],
    "expand": [
        sample(normal(1, 3), shape=(4, 3)),
        sample(normal(3, 1), shape=(2, 3, 5)),
        sample(normal(), shape=(2, 2)),
    ],
    "concatenate": [
        sample(normal(2, 3), normal(4, 3), normal(1, 3)),
        sample(normal(2, 3), normal(2, 0), normal(2, 2), axis=-1),
        sample(normal(3)),
    ],
    "pad": [
        sample(normal(2, 3), widths=((1, 0), (2, 3))),
        sample(normal(3), widths=((0, 2),), value=1.5),
        sample(normal(2, 0), widths=((1, 1), (1, 1))),
    ],
    "windows": [sample(normal(2, 2, 6, 7), **p) for p in PAIRS]
    + [
        sample(normal(2, 3, 9), kernel_size=(3,), stride=(2,), dilation=(2,)),
        sample(normal(2, 1, 4, 3, 5), kernel_size=(2, 1, 3), stride=(1, 2, 2), dilation=(2, 1, 1)),
        sample(normal(0, 2, 3, 3), kernel_size=(2, 2), stride=(1, 1), dilation=(1, 1)),
    ],
    "windows_adjoint": [
        sample(normal(2, 2, 4, 5, 3, 3), size=(6, 7), stride=(1, 1), dilation=(1, 1)),
        sample(normal(1, 2, 3, 3, 2, 2), size=(7, 8), stride=(2, 3), dilation=(2, 1)),
        sample(normal(2, 3, 3, 3), size=(10,), stride=(2,), dilation=(2,)),
        sample(normal(2, 1, 2, 2, 2, 2, 1, 3), size=(4, 3, 5), stride=(1, 2, 2), dilation=(2, 1, 1)),
        sample(normal(0, 2, 3, 3, 2, 2), size=(4, 4), stride=(1, 1), dilation=(1, 1)),
    ],
}
