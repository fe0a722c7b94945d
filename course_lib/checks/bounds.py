"""How often an answer may call what it is given."""
from functools import wraps


def at_most(n: int, function):
    """The function, for an answer that may call it n times: one that says how far off a guess is
    can be searched with."""
    left = iter(range(n))

    @wraps(function)
    def counted(*args, **named):
        assert next(left, None) is not None, (
            f"the function that your answer is given was called more than {n} times.")
        return function(*args, **named)
    return counted
