"""What a training minimises, over tokens or pairs of one optimizer step.

- `raft`: cross-entropy of the kept completions, −log π(token), mean over their tokens.
- `raft++`: −min(s, clip(s, 1 − 0.2, 1 + 0.28)) with s = π(token) / π₀(token), mean over tokens of the kept
  completions. π₀ is the policy that the training started from. RAFT++ of Xiong et al. 2025 (arXiv 2504.11343), with
  the higher upper bound of Yu et al. 2025 (DAPO, arXiv 2503.14476) and, as there, every token weighing the same. All
  kept rows are right (advantage 1), so only the upper bound ever binds: a token that became 1.28 times as likely is
  not pushed further. At the first step s is 1, the loss −1 and its gradient that of `raft`.
- `dpo`: −log σ(β · (log π/π₀ (right) − log π/π₀ (wrong))), a completion's log-probability being the sum over its
  tokens, mean over pairs. Rafailov et al. 2023 (arXiv 2305.18290), equation 7.

Imports torch at the top: only modules that train import this one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid

from halo_forge.training.rows import IGNORED

CLIP_LOW = 0.2
CLIP_HIGH = 0.28


def negative_log_likelihood(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum of −log π(target) over targets that count; `logits` [rows, length, vocabulary], `targets` [rows, length]."""
    return cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum")


def log_probabilities(logits: Tensor, targets: Tensor) -> Tensor:
    """log π(target), natural, of every position [rows, length]; 0 where nothing counts."""
    flat = cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none")
    return -flat.view(targets.shape)


def clipped_ratio(now: Tensor, start: Tensor, low: float = CLIP_LOW, high: float = CLIP_HIGH) -> Tensor:
    """The raft++ loss of each token, from its log-probability under the policy `now` and at the `start`."""
    ratio = (now - start).exp()
    return -torch.minimum(ratio, ratio.clamp(1 - low, 1 + high))


def preference(now: Tensor, start: Tensor, beta: float) -> Tensor:
    """The dpo loss of each pair; `now` and `start` are log-probabilities of whole completions, first those of all
    right ones, then those of the wrong ones in the same order."""
    right, wrong = (now - start).chunk(2)
    return -logsigmoid(beta * (right - wrong))


def total(objective: str, logits: Tensor, targets: Tensor, start: Tensor | None, beta: float) -> Tensor:
    """The loss summed over what counts in this batch: tokens, or for dpo pairs; `start` as `log_probabilities`."""
    if objective == "raft":
        return negative_log_likelihood(logits, targets)
    assert start is not None
    now, counts = log_probabilities(logits, targets), targets != IGNORED
    if objective == "raft++":
        return (clipped_ratio(now, start) * counts).sum()
    pairs = counts.any(dim=1).chunk(2)[0]
    return (preference(now.sum(dim=1), start.sum(dim=1), beta) * pairs).sum()
