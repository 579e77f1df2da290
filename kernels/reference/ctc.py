"""Connectionist temporal classification: −log of the probability of all paths that read as the targets.

T: steps.  N: batch.  C: classes.  L: labels.
"""

import numpy as np


def ctc_loss(
    logp: np.ndarray,
    targets: np.ndarray,
    input_lengths: np.ndarray,
    target_lengths: np.ndarray,
    *,
    blank: int = 0,
) -> np.ndarray:
    """loss = −log Σ Πₜ p[t, πₜ] over the paths π;  logp (T, N, C), targets (N, L) → (N,).

    Read from left to right: after each step, the probability of having read the first k labels, and of what was said
    last, label k itself or a blank. Each row is scaled by its sum, whose logarithm is kept, so that nothing underflows.
    """
    loss = np.zeros(logp.shape[1], logp.dtype)
    for n in range(logp.shape[1]):
        labels = targets[n, : target_lengths[n]]
        p = np.exp(logp[: input_lengths[n], n])  # (Tₙ, C)
        silent = np.zeros(len(labels) + 1, logp.dtype)  # k labels read, and a blank said last
        spoken = np.zeros(len(labels) + 1, logp.dtype)  # k labels read, and the k-th said last
        silent[0] = 1
        log_scale = 0.0
        for row in p:
            new_silent, new_spoken = np.zeros_like(silent), np.zeros_like(spoken)
            for k in range(len(labels) + 1):
                new_silent[k] = row[blank] * (silent[k] + spoken[k])
                if k > 0:
                    ways = spoken[k] + silent[k - 1]
                    if k > 1 and labels[k - 1] != labels[k - 2]:
                        ways = ways + spoken[k - 1]
                    new_spoken[k] = row[labels[k - 1]] * ways
            scale = np.sum(new_silent) + np.sum(new_spoken)
            if scale == 0:
                scale = 1
            silent, spoken, log_scale = new_silent / scale, new_spoken / scale, log_scale + np.log(scale)
        total = silent[-1] + spoken[-1]
        loss[n] = -log_scale - np.log(total) if total != 0 else np.inf
    return loss


def ctc_loss_backward(
    dloss: np.ndarray,
    logp: np.ndarray,
    targets: np.ndarray,
    input_lengths: np.ndarray,
    target_lengths: np.ndarray,
    *,
    blank: int = 0,
) -> tuple[np.ndarray, None, None, None]:
    """dlogp[t, k] = −dloss · (the share of the paths that say k at step t);  dlogp (T, N, C).

    α and β of the paper's equations 6 to 12, with both counting step t, whose factor is therefore taken out once.
    """
    dlogp = np.zeros(logp.shape)
    for n in range(logp.shape[1]):
        states = [blank]
        for label in targets[n, : target_lengths[n]]:
            states += [label, blank]
        steps, size = input_lengths[n], len(states)
        z = logp[:steps, n][:, states]  # (Tₙ, S)
        alpha = np.full((steps, size), -np.inf)
        beta = np.full((steps, size), -np.inf)
        for t in range(steps):
            for s in range(size):
                if t == 0:
                    if s < 2:
                        alpha[t, s] = z[t, s]
                    continue
                ways = [alpha[t - 1, r] for r in (s, s - 1) if r >= 0]
                if s >= 2 and states[s] not in (blank, states[s - 2]):
                    ways.append(alpha[t - 1, s - 2])
                alpha[t, s] = z[t, s] + np.logaddexp.reduce(ways)
        for t in range(steps - 1, -1, -1):
            for s in range(size):
                if t == steps - 1:
                    if s >= size - 2:
                        beta[t, s] = z[t, s]
                    continue
                ways = [beta[t + 1, r] for r in (s, s + 1) if r < size]
                if s + 2 < size and states[s + 2] not in (blank, states[s]):
                    ways.append(beta[t + 1, s + 2])
                beta[t, s] = z[t, s] + np.logaddexp.reduce(ways)
        for t in range(steps):
            total = np.logaddexp.reduce(alpha[t] + beta[t] - np.where(np.isinf(z[t]), 0, z[t]))
            for s in range(size):
                if total > -np.inf and z[t, s] > -np.inf:
                    dlogp[t, n, states[s]] -= dloss[n] * np.exp(alpha[t, s] + beta[t, s] - z[t, s] - total)
    return dlogp, None, None, None
