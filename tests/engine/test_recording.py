"""When a graph is recorded and when not: no_grad, enable_grad, detach, decorators, threads and tasks."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import minidl
from minidl import errors
from minidl.config import current


def leaf():
    return minidl.tensor([1.0, 2.0], requires_grad=True)


def test_nesting():
    x = leaf()
    assert (x * 2).requires_grad
    with minidl.no_grad():
        assert not minidl.is_grad_enabled() and not (x * 2).requires_grad
        with minidl.enable_grad():
            assert minidl.is_grad_enabled()
            y = x * 2
            with minidl.no_grad():
                assert not (x * 2).requires_grad
            assert (x * 2).requires_grad
        assert not (y * 3).requires_grad
    assert (y * 3).requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_what_an_exception_leaves_behind():
    for scope in (minidl.no_grad, lambda: minidl.mode("plain"), minidl.detect_anomaly):
        before = current.get()
        with pytest.raises(ZeroDivisionError), scope():
            assert current.get() != before
            raise ZeroDivisionError
        assert current.get() == before
    x = leaf()
    x.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        (x * 2).sum().backward()
    assert minidl.is_grad_enabled()


def test_decorators_with_and_without_parentheses():
    @minidl.no_grad
    def bare(x):
        """Keeps its name."""
        return x * 2

    @minidl.no_grad()
    def called(x):
        return x * 2

    @minidl.enable_grad
    def enabled(x):
        return x * 2

    assert (bare.__name__, bare.__doc__) == ("bare", "Keeps its name.")
    x = leaf()
    assert not bare(x).requires_grad and not called(x).requires_grad
    with minidl.no_grad():
        assert enabled(x).requires_grad
    assert minidl.is_grad_enabled()


def test_recursion_through_a_decorator():
    @minidl.no_grad
    def depth(n):
        return [minidl.is_grad_enabled(), *(depth(n - 1) if n else [])]

    assert depth(5) == [False] * 6 and minidl.is_grad_enabled()


def test_a_decorated_function_may_run_in_two_threads_at_once():
    first_inside, second_done = threading.Event(), threading.Event()

    @minidl.no_grad
    def slow():
        first_inside.set()
        assert second_done.wait(10)
        return minidl.is_grad_enabled()

    @minidl.no_grad()
    def either(work):
        return work()

    def quick():
        assert first_inside.wait(10)
        result = either(minidl.is_grad_enabled)
        second_done.set()
        return result

    with ThreadPoolExecutor(2) as pool:
        assert [f.result(20) for f in (pool.submit(either, slow), pool.submit(quick))] == [False, False]


def test_threads_have_settings_of_their_own():
    inside, out = threading.Event(), threading.Event()
    seen = {}

    def other():
        seen["before"] = minidl.is_grad_enabled()
        with minidl.no_grad(), minidl.mode("plain"):
            inside.set()
            assert out.wait(10)
            seen["in"] = current.get()

    with minidl.no_grad():
        thread = threading.Thread(target=contextvars.Context().run, args=(other,))
        thread.start()
        assert inside.wait(10)
        assert current.get().mode == "fast"
    assert minidl.is_grad_enabled()
    out.set()
    thread.join(10)
    assert seen["before"] is True and seen["in"].mode == "plain" and not seen["in"].recording


def test_tasks_have_settings_of_their_own():
    async def worker(scope, turns):
        seen = []
        with scope:
            for _ in range(turns):
                await asyncio.sleep(0)
                seen.append(minidl.is_grad_enabled())
        return seen

    async def main():
        return await asyncio.gather(worker(minidl.no_grad(), 5), worker(minidl.enable_grad(), 3))

    assert asyncio.run(main()) == [[False] * 5, [True] * 3]


def test_backward_in_many_threads():
    def work(k):
        x = minidl.tensor([float(k)], dtype="float64", requires_grad=True)
        for _ in range(20):
            y = x
            for _ in range(20):
                y = (y * 1.01).tanh()
            x.grad = None
            y.sum().backward()
        return x.grad.item()

    alone = [work(k) for k in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == alone


def test_detach():
    x = leaf()
    y = x * 2
    cut = y.detach()
    assert cut.data is y.data and cut.is_leaf and not cut.requires_grad and y.requires_grad
    (y * cut).sum().backward()
    assert x.grad.tolist() == [4, 8]  # the derivative of 2x · c, with c = 2x held fixed


def test_results_without_gradient_are_leaves():
    x = minidl.tensor([1.0])
    y = (x * 2).requires_grad_()  # nothing was recorded: a new leaf
    (y * 3).sum().backward()
    assert y.grad.tolist() == [3] and x.grad is None
    with minidl.no_grad():
        z = leaf() * 2
    with pytest.raises(errors.GraphError, match="no_grad"):
        z.sum().backward()


def test_recording_survives_leaving_the_block():
    with minidl.no_grad():
        x = leaf()
        with minidl.enable_grad():
            y = (x * 2).sum()
        y.backward()  # going back needs no permission to record
    assert x.grad.tolist() == [2, 2]
