"""Convolution in two dimensions, as the sum over every patch; three maps, adjoint to one another.

N: batch.  C H W: channels, height, width of x.  O Ho Wo: those of y.  KH KW: kernel.
G: groups; group g joins channels g·C/G … of x to channels g·O/G … of y, and w is (O, C/G, KH, KW).
In code: s stride, p padding, r dilation (the rate); indices n g c o, i j in y, u v in the kernel.
The form y = Σ x w is trilinear in (dy, x, w): ⟨dy, conv2d(x, w)⟩ = ⟨conv2d_input(dy, w), x⟩
= ⟨conv2d_weight(x, dy), w⟩. So each gradient of each map is another of the three.
"""

import numpy as np

Pair = tuple[int, int]


def conv2d(x: np.ndarray, w: np.ndarray, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> np.ndarray:
    """y[n, o, i, j] = Σ_{c,u,v} x[n, c, i·s + u·r − p, j·s + v·r − p] w[o, c, u, v].

    c runs over the channels of o's group, which w counts from 0; x is 0 outside its borders.
    Ho = ⌊(H + 2p − r (KH − 1) − 1) / s⌋ + 1, Wo likewise. The kernel is not flipped: this is the
    cross-correlation, which deep learning calls convolution.
    """
    (n, c, h, width), (o, _, kh, kw) = x.shape, w.shape
    (sh, sw), (ph, pw), (rh, rw) = stride, padding, dilation
    ho = (h + 2 * ph - rh * (kh - 1) - 1) // sh + 1
    wo = (width + 2 * pw - rw * (kw - 1) - 1) // sw + 1

    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))  # (N, C, H+2p, W+2p)
    padded = padded.reshape(n, groups, c // groups, h + 2 * ph, width + 2 * pw)  # (N, G, C/G, …)
    kernel = w.reshape(groups, o // groups, c // groups, kh, kw)  # (G, O/G, C/G, KH, KW)
    y = np.zeros((n, groups, o // groups, ho, wo), np.result_type(x, w))
    for i, j in np.ndindex(ho, wo):
        rows, columns = i * sh + rh * np.arange(kh), j * sw + rw * np.arange(kw)
        patch = padded[:, :, :, rows[:, None], columns]  # (N, G, C/G, KH, KW)
        y[:, :, :, i, j] = np.einsum("ngcuv,gocuv->ngo", patch, kernel)  # (N, G, O/G)
    return y.reshape(n, o, ho, wo)  # (N, O, Ho, Wo)


def conv2d_backward(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    *,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Every patch takes dx += dy[i, j] w, and gives dw += dy[i, j] x[patch]."""
    (n, c, h, width), (o, _, kh, kw) = x.shape, w.shape
    (sh, sw), (ph, pw), (rh, rw) = stride, padding, dilation
    ho, wo = dy.shape[2:]

    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))  # (N, C, H+2p, W+2p)
    padded = padded.reshape(n, groups, c // groups, h + 2 * ph, width + 2 * pw)  # (N, G, C/G, …)
    kernel = w.reshape(groups, o // groups, c // groups, kh, kw)  # (G, O/G, C/G, KH, KW)
    dy = dy.reshape(n, groups, o // groups, ho, wo)  # (N, G, O/G, Ho, Wo)
    dx, dw = np.zeros(padded.shape), np.zeros(kernel.shape)
    for i, j in np.ndindex(ho, wo):
        rows, columns = i * sh + rh * np.arange(kh), j * sw + rw * np.arange(kw)
        patch = padded[:, :, :, rows[:, None], columns]  # (N, G, C/G, KH, KW)
        dx[:, :, :, rows[:, None], columns] += np.einsum(
            "ngo,gocuv->ngcuv", dy[:, :, :, i, j], kernel
        )  # (N, G, C/G, KH, KW)
        dw += np.einsum("ngo,ngcuv->gocuv", dy[:, :, :, i, j], patch)  # (G, O/G, C/G, KH, KW)
    dx = dx.reshape(n, c, h + 2 * ph, width + 2 * pw)  # (N, C, H+2p, W+2p)
    return dx[:, :, ph : ph + h, pw : pw + width], dw.reshape(w.shape)  # (N, C, H, W), w's shape


def conv2d_input(
    dy: np.ndarray,
    w: np.ndarray,
    *,
    size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """dx[n, c, i·s + u·r − p, j·s + v·r − p] = Σ_{o,i,j,u,v} dy[n, o, i, j] w[o, c, u, v].

    The adjoint of x ↦ conv2d(x, w), also called transposed convolution. size = (H, W), which dy
    alone does not tell: with a stride, several sizes of x have the same size of y.
    """
    (n, o, ho, wo), (_, c, kh, kw), (h, width) = dy.shape, w.shape, size
    (sh, sw), (ph, pw), (rh, rw) = stride, padding, dilation

    dy = dy.reshape(n, groups, o // groups, ho, wo)  # (N, G, O/G, Ho, Wo)
    kernel = w.reshape(groups, o // groups, c, kh, kw)  # (G, O/G, C/G, KH, KW)
    dx = np.zeros((n, groups, c, h + 2 * ph, width + 2 * pw), np.result_type(dy, w))
    for i, j in np.ndindex(ho, wo):
        rows, columns = i * sh + rh * np.arange(kh), j * sw + rw * np.arange(kw)
        dx[:, :, :, rows[:, None], columns] += np.einsum(
            "ngo,gocuv->ngcuv", dy[:, :, :, i, j], kernel
        )  # (N, G, C/G, KH, KW)
    dx = dx.reshape(n, groups * c, h + 2 * ph, width + 2 * pw)  # (N, C, H+2p, W+2p)
    return dx[:, :, ph : ph + h, pw : pw + width]  # (N, C, H, W)


def conv2d_input_backward(
    ddx: np.ndarray,
    dy: np.ndarray,
    w: np.ndarray,
    *,
    size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> tuple[np.ndarray, np.ndarray]:
    """With ddx in the place of x: ddy is the convolution, dw its gradient for the kernel."""
    (n, o, ho, wo), (_, c, kh, kw), (h, width) = dy.shape, w.shape, size
    (sh, sw), (ph, pw), (rh, rw) = stride, padding, dilation

    padded = np.pad(ddx, ((0, 0), (0, 0), (ph, ph), (pw, pw)))  # (N, C, H+2p, W+2p)
    padded = padded.reshape(n, groups, c, h + 2 * ph, width + 2 * pw)  # (N, G, C/G, …)
    dy = dy.reshape(n, groups, o // groups, ho, wo)  # (N, G, O/G, Ho, Wo)
    kernel = w.reshape(groups, o // groups, c, kh, kw)  # (G, O/G, C/G, KH, KW)
    ddy, dw = np.zeros(dy.shape), np.zeros(kernel.shape)
    for i, j in np.ndindex(ho, wo):
        rows, columns = i * sh + rh * np.arange(kh), j * sw + rw * np.arange(kw)
        patch = padded[:, :, :, rows[:, None], columns]  # (N, G, C/G, KH, KW)
        ddy[:, :, :, i, j] = np.einsum("ngcuv,gocuv->ngo", patch, kernel)  # (N, G, O/G)
        dw += np.einsum("ngo,ngcuv->gocuv", dy[:, :, :, i, j], patch)  # (G, O/G, C/G, KH, KW)
    return ddy.reshape(n, o, ho, wo), dw.reshape(w.shape)  # (N, O, Ho, Wo), w's shape


def conv2d_weight(
    x: np.ndarray,
    dy: np.ndarray,
    *,
    size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """dw[o, c, u, v] = Σ_{n,i,j} dy[n, o, i, j] x[n, c, i·s + u·r − p, j·s + v·r − p].

    The adjoint of w ↦ conv2d(x, w). size = (KH, KW).
    """
    (n, c, h, width), (_, o, ho, wo), (kh, kw) = x.shape, dy.shape, size
    (sh, sw), (ph, pw), (rh, rw) = stride, padding, dilation

    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))  # (N, C, H+2p, W+2p)
    padded = padded.reshape(n, groups, c // groups, h + 2 * ph, width + 2 * pw)  # (N, G, C/G, …)
    dy = dy.reshape(n, groups, o // groups, ho, wo)  # (N, G, O/G, Ho, Wo)
    dw = np.zeros((groups, o // groups, c // groups, kh, kw), np.result_type(x, dy))
    for i, j in np.ndindex(ho, wo):
        rows, columns = i * sh + rh * np.arange(kh), j * sw + rw * np.arange(kw)
        patch = padded[:, :, :, rows[:, None], columns]  # (N, G, C/G, KH, KW)
        dw += np.einsum("ngo,ngcuv->gocuv", dy[:, :, :, i, j], patch)  # (G, O/G, C/G, KH, KW)
    return dw.reshape(o, c // groups, kh, kw)  # (O, C/G, KH, KW)


def conv2d_weight_backward(
    ddw: np.ndarray,
    x: np.ndarray,
    dy: np.ndarray,
    *,
    size: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> tuple[np.ndarray, np.ndarray]:
    """With ddw in the place of w: dx is the adjoint convolution, ddy the convolution."""
    (n, c, h, width), (_, o, ho, wo), (kh, kw) = x.shape, dy.shape, size
    (sh, sw), (ph, pw), (rh, rw) = stride, padding, dilation

    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))  # (N, C, H+2p, W+2p)
    padded = padded.reshape(n, groups, c // groups, h + 2 * ph, width + 2 * pw)  # (N, G, C/G, …)
    dy = dy.reshape(n, groups, o // groups, ho, wo)  # (N, G, O/G, Ho, Wo)
    kernel = ddw.reshape(groups, o // groups, c // groups, kh, kw)  # (G, O/G, C/G, KH, KW)
    dx, ddy = np.zeros(padded.shape), np.zeros(dy.shape)
    for i, j in np.ndindex(ho, wo):
        rows, columns = i * sh + rh * np.arange(kh), j * sw + rw * np.arange(kw)
        patch = padded[:, :, :, rows[:, None], columns]  # (N, G, C/G, KH, KW)
        ddy[:, :, :, i, j] = np.einsum("ngcuv,gocuv->ngo", patch, kernel)  # (N, G, O/G)
        dx[:, :, :, rows[:, None], columns] += np.einsum(
            "ngo,gocuv->ngcuv", dy[:, :, :, i, j], kernel
        )  # (N, G, C/G, KH, KW)
    dx = dx.reshape(n, c, h + 2 * ph, width + 2 * pw)  # (N, C, H+2p, W+2p)
    ddy = ddy.reshape(n, o, ho, wo)  # (N, O, Ho, Wo)
    return dx[:, :, ph : ph + h, pw : pw + width], ddy  # (N, C, H, W), (N, O, Ho, Wo)
