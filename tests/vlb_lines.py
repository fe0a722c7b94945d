"""The lines of the variational bound's derivation, and the numbers of their forms that
course_lib/proofs/vlb.py stores.

`python tests/vlb_lines.py` prints the table FORMS of that file afresh; test_proof.py proves that it
is current. The file is no part of what students get.
"""
from course_lib.proofs import vlb
from course_lib.proofs.enumeration import evaluate
from course_lib.proofs.expressions import parse

# name -> the line, and whether joints may be products over single steps where its form is compared
LINES = {
    "likelihood": ("E(-log(p[0]))", False),
    "with gap": ("E(-log(p[0:T] / q[1:T|0]) - KL(q[1:T|0], p[1:T|0]))", False),
    "gap": ("E(KL(q[1:T|0], p[1:T|0]))", False),
    "bound": ("E(-log(p[0:T] / q[1:T|0]))", False),
    "stepwise": ("E(-log(p[T]) - Sum(log(p[t-1|t] / q[t|0:t-1]), t, 1, T))", False),
    "posteriors": (
        "E(-log(p[T]/q[T|0]) - Sum(log(p[t-1|t] / q[t-1|t:T,0]), t, 2, T) - log(p[0|1]))", True),
    "divergences": (
        "E(KL(q[T|0], p[T]) + Sum(KL(q[t-1|t:T,0], p[t-1|t]), t, 2, T) - log(p[0|1]))", True),
}


def value(line: str, split: bool, T: int) -> float:
    return evaluate(parse(line, vlb.LANGUAGE), vlb.form_chain(vlb.FORM_SEED, T, split)).item()


def forms() -> dict[str, tuple[float, ...]]:
    return {name: tuple(value(line, split, T) for T in vlb.FORM_LENGTHS)
            for name, (line, split) in LINES.items()}


if __name__ == "__main__":
    rows = [f'    "{name}": {values},' for name, values in forms().items()]
    print("FORMS = {", *rows, "}", sep="\n")
