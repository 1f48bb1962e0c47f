"""What can go wrong in a run, with what had been computed by then."""


class DivergenceError(ArithmeticError):
    """A cost or a parameter is no longer finite.

    Attributes
    ----------
    result : FitResult
        The run up to the last epoch that was whole and finite.
    """

    def __init__(self, message, result=None):
        super().__init__(message)
        self.result = result


class CheckpointError(ValueError):
    """A checkpoint cannot be read, or belongs to another run."""
