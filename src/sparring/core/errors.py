"""The one kind of error that is the caller's to mend."""


class UserError(ValueError):
    """A mistake of the caller's: one line that names the thing, what is wrong with it and how to mend it.

    The command line prints the line and exits with 2; in Python it is an ordinary ``ValueError``.
    """


class TrainingDiverged(RuntimeError):
    """Training met numbers that are not finite more often than the recipe allows to go back."""


class ProcessLost(RuntimeError):
    """Another of the processes that train together has gone."""
