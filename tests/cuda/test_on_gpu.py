"""The CUDA kernels on a real device: the same cases, and the same demands, as under the emulator."""

import numpy as np
import pytest

from minidl.kernels.cuda import normalize

from .layer_norm_cases import CASES, DTYPES, Case, check, label

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def cupy():
    return pytest.importorskip("cupy")  # without a device, the marker has skipped the test already


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", [*CASES, Case((5000, 300)), Case((70, 20000))], ids=label)
def test_layer_norm(cupy, case, dtype):
    check(normalize, case, dtype, put=cupy.asarray, get=cupy.asnumpy)


def test_strided_arrays(cupy):
    check(
        normalize,
        Case((33, 7)),
        "float32",
        put=lambda a: cupy.repeat(cupy.asarray(a), 2, -1)[..., ::2],
        get=cupy.asnumpy,
    )


def test_another_stream(cupy):
    with cupy.cuda.Stream(non_blocking=True) as stream:
        check(normalize, Case((33, 1000)), "float32", put=cupy.asarray, get=lambda a: cupy.asnumpy(a, stream=stream))


def test_no_host_synchronisation_is_needed_for_results(cupy):
    """Launches only queue: many at once, read at the end, give what one by one gives."""
    x = cupy.asarray(np.linspace(-1, 1, 33 * 40, dtype=np.float32).reshape(33, 40))
    first = normalize.layer_norm(x, None, None)[0].get()
    queued = [normalize.layer_norm(x, None, None)[0] for _ in range(50)]
    assert all(np.array_equal(y.get(), first) for y in queued)
