"""The model as a PyTorch module, for the peers that want one."""

import torch

from .cases import tree_numbers


def build(case):
    """A Sequential of Linear and Tanh with θ, X and y."""
    layers = []
    for l, (W, b) in enumerate(zip(*case.layers()), 1):
        linear = torch.nn.Linear(W.shape[1], W.shape[0], dtype=torch.from_numpy(W).dtype)
        linear.weight.data, linear.bias.data = torch.from_numpy(W.copy()), torch.from_numpy(b.copy())
        layers += [linear, torch.nn.Tanh()] if l < case.depth else [linear]
    return torch.nn.Sequential(*layers), torch.from_numpy(case.X.copy()), torch.from_numpy(case.y.copy())


def in_order(found):
    """Weights and biases in turn, as a flat NumPy array in θ's order."""
    return tree_numbers([[part.detach().numpy() for part in found[k::2]] for k in (0, 1)])
