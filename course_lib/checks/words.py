"""What a check says to a student of what came back."""
import re

from torch import Tensor


def plainly(error: Exception, args: tuple) -> str:
    """An error of an answer's in a student's words, with the shapes that it was asked with; empty
    where its own message will do."""
    asked = ", ".join(filter(None, map(_shape, args))) or "no tensor"
    if isinstance(error, AssertionError):
        return "" if str(error) else (
            "an assert of your own, without a message, failed in your answer. "
            f"Asked with: {asked}.")
    if not re.search(r"shape|size|dimension|broadcast|expand|out of range", str(error), re.I):
        return ""
    return (f"the shapes do not fit somewhere in your answer. Asked with: {asked}. Does it work "
            f"for any shape that the question allows? PyTorch says: {error}")


def _shape(x) -> str:
    if isinstance(x, Tensor):
        return f"shape {tuple(x.shape)}"
    if isinstance(x, list | tuple) and not hasattr(x, "state"):
        return f"[{', '.join(filter(None, map(_shape, x)))}]" if len(x) else "an empty list"
    return f"the network {x.name}{x.args}" if hasattr(x, "state") else ""


def kind(x) -> str:
    """What something is, in words for a student."""
    if x is None:
        return "None (is a return missing?)"
    if isinstance(x, list | tuple):
        return "one result" if len(x) == 1 else f"{len(x)} results"
    return f"a {type(x).__name__}"
