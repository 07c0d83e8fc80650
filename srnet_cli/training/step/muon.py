"""Muon for convolutions: an update turns a whole kernel matrix equally far in all of its directions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

#: share of the old mean that the running mean of the gradients keeps in a step
MOMENTUM = 0.95
#: a matrix with fewer rows or columns (colours in or out, gates) has too few directions
FEWEST = 16
#: root mean square of an element's update at a rate of 1: about that of Adam in the middle of a training
RMS = 0.2
#: of the quintic iteration, and how often it is applied
_COEFFICIENTS, _ITERATIONS = (3.4445, -4.7750, 2.0315), 5


class Muon(torch.optim.Adam):
    """Orthogonalised momentum for the kernels of convolutions, Adam for all other parameters.

    A kernel of O×I×k×k (I×O×k×k of a transposed convolution) is taken as a matrix of O×(I·k·k).
    Its direction is computed in ``arithmetic``; kernels and running means keep their own precision.
    ``how`` is handed to torch's Adam. ``step`` leaves no gradient behind on kernels. Processes whose devices
    round differently drift apart sooner than with Adam, which works element by element.

    Sources: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); the size of a
    step: Liu et al., "Muon is Scalable for LLM Training", arXiv:2502.16982, section 2.2. torch.optim.Muon
    does the same, to matrices only and in torch 2.9 and later only.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float | Tensor,
        betas: tuple[float, float],
        arithmetic: torch.dtype = torch.float32,
        **how: bool,
    ) -> None:
        given = list(parameters)
        kernels = [parameter for parameter in given if _is_kernel(parameter)]
        others = [parameter for parameter in given if not _is_kernel(parameter)]
        groups = [{"params": kernels, "orthogonal": True}, {"params": others, "orthogonal": False}]
        super().__init__(groups, lr, betas, **how)
        self._arithmetic = arithmetic

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Change all parameters that have a gradient."""
        for group in self.param_groups:
            if group["orthogonal"]:
                self._turn([p for p in group["params"] if p.grad is not None], group["lr"])
        super().step()

    def _turn(self, kernels: list[nn.Parameter], rate: float | Tensor) -> None:
        # Together what has the same shape: a network has dozens of kernels, and each product is small.
        alike = defaultdict(list)
        for kernel in kernels:
            alike[kernel.shape, kernel.dtype, kernel.device].append(kernel)
        for same in alike.values():
            ahead = torch.stack([gradient.flatten(1) for gradient in self._ahead(same)])
            turned = orthogonalised(ahead.to(self._arithmetic)).to(ahead.dtype)
            turned *= rate * (RMS * max(ahead.shape[1:]) ** 0.5)
            updates = [update.view(same[0].shape) for update in turned.unbind()]
            torch._foreach_sub_(list[Tensor](same), updates)
            for kernel in same:
                kernel.grad = None  # Adam, which is next, passes over it

    def _ahead(self, kernels: list[nn.Parameter]) -> Sequence[Tensor]:
        """Return the running means of the gradients, one step ahead (Nesterov)."""
        gradients = [kernel.grad for kernel in kernels if kernel.grad is not None]
        states = [self.state[kernel] for kernel in kernels]
        for kernel, state in zip(kernels, states, strict=True):
            if not state:
                # Adam's loading of a state counts on "step".
                state["step"], state["momentum"] = torch.tensor(0.0), torch.zeros_like(kernel)
            state["step"] += 1
        means = [state["momentum"] for state in states]
        torch._foreach_lerp_(means, gradients, 1 - MOMENTUM)
        return torch._foreach_lerp(gradients, means, MOMENTUM)


def _is_kernel(parameter: nn.Parameter) -> bool:
    return parameter.ndim == 4 and min(parameter.shape[:2]) >= FEWEST


def orthogonalised(matrices: Tensor) -> Tensor:
    """Move the singular values of N×R×C matrices, but for those that are almost 0, to about 1.

    They end between 0.7 and 1.2: for a direction to step in, that is near enough, and so is bfloat16
    (Jordan et al.).
    """
    a, b, c = _COEFFICIENTS
    upright = matrices.shape[1] > matrices.shape[2]
    wide = matrices.mT if upright else matrices
    x: Tensor = wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_ITERATIONS):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.mT if upright else x
