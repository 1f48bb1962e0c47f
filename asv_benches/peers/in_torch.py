"""PyTorch: autograd where it is enough, torch.func where it is not. Eager: compiling takes a C++ compiler and minutes."""

import torch
from torch.func import jacrev, jvp, linearize, vjp, vmap

from .cases import ADAM_RATE, BATCH, RATE, STEPS, Work, flat_numbers, tree_numbers


def flat_tree(tree):
    """A pair of lists of tensors as a flat NumPy array in θ's order."""
    return tree_numbers([[part.detach().numpy() for part in parts] for parts in tree])


def flat_tensor(tensor):
    """A tensor as a flat NumPy array."""
    return flat_numbers(tensor.detach().numpy())


class Peer:
    """A method for each piece of work; a dict where there are several ways to do it."""

    def __init__(self, case):
        self.case = case
        self.theta, self.v = (self._tree(values) for values in (case.theta, case.v))
        self.X, self.y, self.u = (torch.from_numpy(values.copy()) for values in (case.X, case.y, case.u))

    def _tree(self, values):
        return tuple([torch.from_numpy(part.copy()) for part in parts] for parts in self.case.layers(values))

    def _forward(self, theta, x):
        for W, b in zip(theta[0][:-1], theta[1]):
            x = torch.tanh(torch.nn.functional.linear(x, W, b))
        return torch.nn.functional.linear(x, theta[0][-1], theta[1][-1])

    def _cost(self, theta):
        return 0.5 * ((self._forward(theta, self.X) - self.y) ** 2).sum() / len(self.X)

    def _leaves(self):
        return tuple([part.clone().requires_grad_() for part in parts] for parts in self.theta)

    def _gradient(self, theta, cost):
        found = torch.autograd.grad(cost, theta[0] + theta[1])
        return found[:self.case.depth], found[self.case.depth:]

    def jacobian(self):
        run = vmap(jacrev(self._forward), in_dims=(None, 0))

        def rows(tree):
            rows = self.case.some_rows()
            parts = [part[rows].reshape(len(rows) * self.case.outputs, -1) for pair in zip(*tree) for part in pair]
            return flat_tensor(torch.cat(parts, 1))
        return Work(lambda: run(self.theta, self.X), rows)

    def forward(self):
        def run():
            with torch.inference_mode():
                return self._forward(self.theta, self.X)
        return Work(run, flat_tensor)

    def gradient(self):
        theta = self._leaves()
        return Work(lambda: self._gradient(theta, self._cost(theta)), flat_tree)

    def gaussian_nll(self):
        theta, half = self._leaves(), self.case.outputs // 2

        def run():
            u = self._forward(theta, self.X)
            cost = torch.nn.functional.gaussian_nll_loss(u[:, :half], self.y[:, :half], u[:, half:].exp(), reduction="sum")
            return self._gradient(theta, cost / len(self.X))
        return Work(run, flat_tree)

    def jv(self):
        return Work(lambda: jvp(lambda theta: self._forward(theta, self.X), (self.theta,), (self.v,))[1], flat_tensor)

    def jv_kept(self):
        _, product = linearize(lambda theta: self._forward(theta, self.X), self.theta)
        return Work(lambda: product(self.v), flat_tensor)

    def jtu(self):
        theta = self._leaves()

        def run():
            found = torch.autograd.grad(self._forward(theta, self.X), theta[0] + theta[1], self.u)
            return found[:self.case.depth], found[self.case.depth:]
        return Work(run, flat_tree)

    def jtu_kept(self):
        theta = self._leaves()
        outputs = self._forward(theta, self.X)

        def run():
            found = torch.autograd.grad(outputs, theta[0] + theta[1], self.u, retain_graph=True)
            return found[:self.case.depth], found[self.case.depth:]
        return Work(run, flat_tree)

    def gram(self):
        rows = vmap(jacrev(self._forward), in_dims=(None, 0))

        def run():
            J = rows(self.theta, self.X)
            parts = [part.reshape(self.case.y.size, -1) for parts in J for part in parts]
            return sum(part @ part.T for part in parts)
        return Work(run, flat_tensor)

    def ggn_v(self):
        def outputs(theta):
            return self._forward(theta, self.X)

        def run():
            _, Jv = jvp(outputs, (self.theta,), (self.v,))
            return vjp(outputs, self.theta)[1](Jv / len(self.X))[0]
        return Work(run, flat_tree)

    def hessian_v(self):
        theta, v = self._leaves(), self.v[0] + self.v[1]

        def run():
            gradient = torch.autograd.grad(self._cost(theta), theta[0] + theta[1], create_graph=True)
            found = torch.autograd.grad(gradient, theta[0] + theta[1], v)
            return found[:self.case.depth], found[self.case.depth:]
        return Work(run, flat_tree)

    def epoch(self):
        classes, leaves = torch.from_numpy(self.case.classes), self._leaves()
        step = torch.optim.SGD(leaves[0] + leaves[1], lr=RATE, fused=True)

        def run(order):
            for batch in order.split(BATCH):
                step.zero_grad(set_to_none=True)
                torch.nn.functional.cross_entropy(self._forward(leaves, self.X[batch]), classes[batch]).backward()
                step.step()
            return leaves
        return Work(lambda: run(torch.randperm(len(self.X))), flat_tree, check=lambda: run(torch.arange(len(self.X))))

    def adam_step(self):
        def run():
            leaves = self._leaves()
            step = torch.optim.Adam(leaves[0] + leaves[1], lr=ADAM_RATE, fused=True)
            for _ in range(STEPS):
                step.zero_grad(set_to_none=True)
                self._cost(leaves).backward()
                step.step()
            return leaves
        return Work(run, flat_tree, STEPS)
