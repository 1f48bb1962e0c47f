"""kernels/narrow.py against eq. 8."""

from engine.kernels.narrow import narrow_dense, narrow_size

from .cases import Problem, check, every_problem, jacobian


def computed(problem):
    J = problem.zeros(problem.m * problem.n, problem.size)
    workspaces = problem.zeros(1, narrow_size(problem.plan, problem.lanes, problem.dtype.itemsize))
    narrow_dense(problem.theta, problem.theta, problem.plan, problem.stack, J, workspaces, problem.every)
    return {"J": J}


def expected(problem):
    return {"J": jacobian(problem).reshape(-1, problem.size)}


@every_problem
def test_narrow(problem):
    problem = Problem(*problem)
    check(computed(problem), expected(problem))
