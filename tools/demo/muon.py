"""Muon (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/): momentum whose step is made orthogonal.

It learns the matrices inside the blocks from fewer stories than AdamW does.
"""

import torch

ROUNDS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic that the post gives


def orthogonalize(matrix):
    """A matrix with the singular vectors of `matrix` and singular values near 1, by Newton-Schulz iteration."""
    a, b, c = COEFFICIENTS
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / (wide.norm() + 1e-7)
    for _ in range(ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x if wide is matrix else x.T


class Muon(torch.optim.Optimizer):
    """For 2-D weights; `lr` is the size of a step's singular values, times sqrt(rows / columns) where that is
    over 1."""

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for weight in group["params"]:
                average = self.state[weight].setdefault("average", torch.zeros_like(weight))
                average.lerp_(weight.grad, 1 - group["momentum"])
                update = orthogonalize(weight.grad.lerp(average, group["momentum"]))
                rows, columns = weight.shape
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(update, alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5)
