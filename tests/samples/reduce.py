from . import distinct, normal, sample

AXES = [{}, {"axis": 1}, {"axis": (0, 2), "keepdims": True}, {"axis": -1, "keepdims": True}]

SAMPLES = {
    **{
        name: [sample(normal(3, 4, 5), **a) for a in AXES] + [sample(normal())] for name in ("sum", "mean", "logsumexp")
    },
    "var": [sample(normal(3, 4, 5), **a, correction=c) for a in AXES for c in (0, 1)],
    **{name: [sample(distinct(3, 4, 5), **a, analytic=False) for a in AXES] for name in ("max", "min")},
}
SAMPLES["sum"] += [sample(normal(0, 3)), sample(normal(0, 3), axis=0), sample(normal(2, 3), axis=())]
