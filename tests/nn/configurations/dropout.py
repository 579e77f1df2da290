"""Dropout where chance has no say: in evaluation, with p = 0, with p = 1."""

from . import call, pick

NAMES = {
    "Dropout": [(3,), (2, 3), (2, 3, 4)],
    "Dropout1d": [(3, 4), (2, 3, 4)],
    "Dropout2d": [(2, 3, 4, 2), (0, 3, 4, 2)],
    "Dropout3d": [(3, 2, 2, 2), (2, 3, 2, 2, 2)],
    "AlphaDropout": [(5,), (2, 3)],
    "FeatureAlphaDropout": [(2, 3), (2, 3, 4), (2, 3, 2, 2, 2)],
}


def dropout(rng, nn):
    name = pick(rng, *NAMES)
    kind = getattr(nn, name)
    layer = pick(
        rng, kind(0.0), kind(1.0), kind(p=1), kind().eval(), kind(rng.random()).eval(), kind(p=0, inplace=False)
    )
    return layer, [rng.normal(size=pick(rng, *NAMES[name]))], call


def dropout_by_function(rng, nn):
    F = nn.functional
    name = pick(rng, *NAMES)
    spelled = {"AlphaDropout": "alpha_dropout", "FeatureAlphaDropout": "feature_alpha_dropout"}
    function = getattr(F, spelled.get(name, name.lower()))
    run = pick(
        rng,
        lambda _, x: function(x, 0.5, False),
        lambda _, x: function(x, p=1.0, training=True),
        lambda _, x: function(x, 0.0, True, False),
        lambda _, x: function(x, training=False, inplace=False),
    )
    if "alpha" in spelled.get(name, "") and rng.random() < 0.5:
        run = lambda _, x: function(x)  # noqa: E731 (not in training by default, unlike the others)
    return None, [rng.normal(size=pick(rng, *NAMES[name]))], run


CONFIGURATIONS = {
    dropout: 40,
    dropout_by_function: 30,
}
