"""Where a kernel finds things in memory.

A *panel* is as many samples as fill one cache line; a panel's *stack* holds, one cache line a neuron, a^0 … a^L and
then gamma^1 … gamma^L. A *plan* is an int64 array [L + 1, 5] whose row l says where layer l lies.
"""

LINE = 64  # bytes of a cache line
GROUP = 16  # panels that go through a layer together
WIDTH = 0  # n_l
WEIGHT = 1  # where W^l begins in theta
BIAS = 2  # where b^l begins in theta
ACTIVATION = 3  # the code of g^l
ROW = 4  # n_0 + … + n_{l-1}: where a^l begins in a panel's stack, in lines
LOSS_LINES = 5  # lines of a panel that a loss works with beside its outputs, targets and gradient
