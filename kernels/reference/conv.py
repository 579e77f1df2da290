"""Convolution along any number of axes, as the sum over every patch; three maps, adjoint to one another.

N: batch.  C, size: channels and sizes of x.  O, places: those of y.  K: places in the kernel, all axes taken together.
G: groups; group g joins channels g·C/G … of x to channels g·O/G … of y, and w is (O, C/G, *kernel_size).
In code: s stride, p padding, r dilation (the rate), one for each axis; indices n g c o, i in y, k in the kernel.
The form y = Σ x w is trilinear in (dy, x, w): ⟨dy, conv(x, w)⟩ = ⟨conv_input(dy, w), x⟩ = ⟨conv_weight(x, dy), w⟩.
So each gradient of each map is another of the three.
"""

import numpy as np

Sizes = tuple[int, ...]  # one for each axis of the images


def conv(x: np.ndarray, w: np.ndarray, *, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> np.ndarray:
    """y[n, o, i] = Σ_{c,u} x[n, c, i·s + u·r − p] w[o, c, u], with i and u one number for each axis.

    c runs over the channels of o's group, which w counts from 0; x is 0 outside its borders.
    places = ⌊(size + 2p − r (kernel_size − 1) − 1) / s⌋ + 1 along each axis. The kernel is not flipped: this is the
    cross-correlation, which deep learning calls convolution.
    """
    n, c, o, kernel_size = len(x), x.shape[1], len(w), w.shape[2:]
    taps = int(np.prod(kernel_size))  # K
    padded = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])  # (N, C, *size + 2p)
    padded = padded.reshape(n, groups, c // groups, *padded.shape[2:])  # (N, G, C/G, …)
    kernel = w.reshape(groups, o // groups, c // groups, taps)  # (G, O/G, C/G, K)
    places = []
    for m, k, s, r in zip(padded.shape[3:], kernel_size, stride, dilation, strict=True):
        places.append((m - r * (k - 1) - 1) // s + 1)

    y = np.zeros((n, groups, o // groups, *places), np.result_type(x, w))
    for i in np.ndindex(*places):
        lines = [a * s + r * np.arange(k) for a, s, r, k in zip(i, stride, dilation, kernel_size, strict=True)]
        patch = padded[:, :, :, *np.ix_(*lines)].reshape(n, groups, c // groups, taps)  # (N, G, C/G, K)
        y[:, :, :, *i] = np.einsum("ngck,gock->ngo", patch, kernel)  # (N, G, O/G)
    return y.reshape(n, o, *places)  # (N, O, *places)


def conv_backward(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    *,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Every patch takes dx += dy[i] w, and gives dw += dy[i] x[patch]."""
    n, c, o, size, kernel_size, places = len(x), x.shape[1], len(w), x.shape[2:], w.shape[2:], dy.shape[2:]
    taps = int(np.prod(kernel_size))  # K
    padded = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])  # (N, C, *size + 2p)
    whole = padded.shape
    padded = padded.reshape(n, groups, c // groups, *whole[2:])  # (N, G, C/G, …)
    kernel = w.reshape(groups, o // groups, c // groups, taps)  # (G, O/G, C/G, K)
    dy = dy.reshape(n, groups, o // groups, *places)  # (N, G, O/G, *places)
    dx, dw = np.zeros(padded.shape), np.zeros(kernel.shape)
    for i in np.ndindex(*places):
        lines = [a * s + r * np.arange(k) for a, s, r, k in zip(i, stride, dilation, kernel_size, strict=True)]
        here = np.ix_(*lines)
        patch = padded[:, :, :, *here]  # (N, G, C/G, *kernel_size)
        share = np.einsum("ngo,gock->ngck", dy[:, :, :, *i], kernel)  # (N, G, C/G, K)
        dx[:, :, :, *here] += share.reshape(patch.shape)
        dw += np.einsum("ngo,ngck->gock", dy[:, :, :, *i], patch.reshape(share.shape))  # (G, O/G, C/G, K)
    inside = [slice(p, p + m) for p, m in zip(padding, size, strict=True)]
    return dx.reshape(whole)[:, :, *inside], dw.reshape(w.shape)  # x's shape, w's shape


def conv_input(
    dy: np.ndarray,
    w: np.ndarray,
    *,
    size: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> np.ndarray:
    """dx[n, c, i·s + u·r − p] = Σ_{o,i,u} dy[n, o, i] w[o, c, u].

    The adjoint of x ↦ conv(x, w), also called transposed convolution. `size` is that of x, which dy alone does not
    tell: with a stride, several sizes of x have the same places of y.
    """
    n, o, c, kernel_size, places = len(dy), len(w), w.shape[1], w.shape[2:], dy.shape[2:]
    taps = int(np.prod(kernel_size))  # K
    dy = dy.reshape(n, groups, o // groups, *places)  # (N, G, O/G, *places)
    kernel = w.reshape(groups, o // groups, c, taps)  # (G, O/G, C/G, K)
    padded = [m + 2 * p for m, p in zip(size, padding, strict=True)]
    dx = np.zeros((n, groups, c, *padded), np.result_type(dy, w))
    for i in np.ndindex(*places):
        lines = [a * s + r * np.arange(k) for a, s, r, k in zip(i, stride, dilation, kernel_size, strict=True)]
        share = np.einsum("ngo,gock->ngck", dy[:, :, :, *i], kernel)  # (N, G, C/G, K)
        dx[:, :, :, *np.ix_(*lines)] += share.reshape(n, groups, c, *kernel_size)
    inside = [slice(p, p + m) for p, m in zip(padding, size, strict=True)]
    return dx.reshape(n, groups * c, *padded)[:, :, *inside]  # (N, C, *size)


def conv_input_backward(
    ddx: np.ndarray,
    dy: np.ndarray,
    w: np.ndarray,
    *,
    size: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> tuple[np.ndarray, np.ndarray]:
    """With ddx in the place of x: ddy is the convolution, dw its gradient for the kernel."""
    n, o, c, kernel_size, places = len(dy), len(w), w.shape[1], w.shape[2:], dy.shape[2:]
    taps = int(np.prod(kernel_size))  # K
    padded = np.pad(ddx, [(0, 0), (0, 0), *[(p, p) for p in padding]])  # (N, C, *size + 2p)
    padded = padded.reshape(n, groups, c, *padded.shape[2:])  # (N, G, C/G, …)
    grouped = dy.reshape(n, groups, o // groups, *places)  # (N, G, O/G, *places)
    kernel = w.reshape(groups, o // groups, c, taps)  # (G, O/G, C/G, K)
    ddy, dw = np.zeros(grouped.shape), np.zeros(kernel.shape)
    for i in np.ndindex(*places):
        lines = [a * s + r * np.arange(k) for a, s, r, k in zip(i, stride, dilation, kernel_size, strict=True)]
        patch = padded[:, :, :, *np.ix_(*lines)].reshape(n, groups, c, taps)  # (N, G, C/G, K)
        ddy[:, :, :, *i] = np.einsum("ngck,gock->ngo", patch, kernel)  # (N, G, O/G)
        dw += np.einsum("ngo,ngck->gock", grouped[:, :, :, *i], patch)  # (G, O/G, C/G, K)
    return ddy.reshape(dy.shape), dw.reshape(w.shape)  # dy's shape, w's shape


def conv_weight(
    x: np.ndarray,
    dy: np.ndarray,
    *,
    size: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> np.ndarray:
    """dw[o, c, u] = Σ_{n,i} dy[n, o, i] x[n, c, i·s + u·r − p].

    The adjoint of w ↦ conv(x, w). `size` is that of the kernel.
    """
    n, c, o, places = len(x), x.shape[1], dy.shape[1], dy.shape[2:]
    taps = int(np.prod(size))  # K
    padded = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])  # (N, C, … + 2p)
    padded = padded.reshape(n, groups, c // groups, *padded.shape[2:])  # (N, G, C/G, …)
    dy = dy.reshape(n, groups, o // groups, *places)  # (N, G, O/G, *places)
    dw = np.zeros((groups, o // groups, c // groups, taps), np.result_type(x, dy))
    for i in np.ndindex(*places):
        lines = [a * s + r * np.arange(k) for a, s, r, k in zip(i, stride, dilation, size, strict=True)]
        patch = padded[:, :, :, *np.ix_(*lines)].reshape(n, groups, c // groups, taps)  # (N, G, C/G, K)
        dw += np.einsum("ngo,ngck->gock", dy[:, :, :, *i], patch)  # (G, O/G, C/G, K)
    return dw.reshape(o, c // groups, *size)  # (O, C/G, *size)


def conv_weight_backward(
    ddw: np.ndarray,
    x: np.ndarray,
    dy: np.ndarray,
    *,
    size: Sizes,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    groups: int,
) -> tuple[np.ndarray, np.ndarray]:
    """With ddw in the place of w: dx is the adjoint convolution, ddy the convolution."""
    n, c, o, places = len(x), x.shape[1], dy.shape[1], dy.shape[2:]
    taps = int(np.prod(size))  # K
    padded = np.pad(x, [(0, 0), (0, 0), *[(p, p) for p in padding]])  # (N, C, … + 2p)
    whole = padded.shape
    padded = padded.reshape(n, groups, c // groups, *whole[2:])  # (N, G, C/G, …)
    grouped = dy.reshape(n, groups, o // groups, *places)  # (N, G, O/G, *places)
    kernel = ddw.reshape(groups, o // groups, c // groups, taps)  # (G, O/G, C/G, K)
    dx, ddy = np.zeros(padded.shape), np.zeros(grouped.shape)
    for i in np.ndindex(*places):
        lines = [a * s + r * np.arange(k) for a, s, r, k in zip(i, stride, dilation, size, strict=True)]
        here = np.ix_(*lines)
        patch = padded[:, :, :, *here]  # (N, G, C/G, *size)
        share = np.einsum("ngo,gock->ngck", grouped[:, :, :, *i], kernel)  # (N, G, C/G, K)
        dx[:, :, :, *here] += share.reshape(patch.shape)
        ddy[:, :, :, *i] = np.einsum("ngck,gock->ngo", patch.reshape(share.shape), kernel)  # (N, G, O/G)
    inside = [slice(p, p + m) for p, m in zip(padding, x.shape[2:], strict=True)]
    return dx.reshape(whole)[:, :, *inside], ddy.reshape(dy.shape)  # x's shape, dy's shape
