"""The lines of the RBM gradient's derivations, and the numbers of their forms that
course_lib/proofs/rbm.py stores.

`python tests/rbm_lines.py` prints the table FORMS of that file afresh; test_proof.py proves that it
is current. The file is no part of what students get.
"""
from course_lib.proofs import rbm
from course_lib.proofs.expressions import parse

LINES = {
    ("energies", 2): "log(Sum(exp(-E[v,h]), h)) - log(Sum(exp(-E[v,h]), v, h))",
    ("quotients", 2): "-Sum(exp(-E[v,h])*dE[v,h], h)/Sum(exp(-E[v,h]), h) "
                      "+ Sum(exp(-E[v,h])*dE[v,h], v, h)/Sum(exp(-E[v,h]), v, h)",
    ("means", 2): "-Sum(p[h|v]*dE[v,h], h) + Sum(p[v,h]*dE[v,h], v, h)",
    ("energies", 3): "log(Sum(exp(-E[v,y,h]), h)) - log(Sum(exp(-E[v,y,h]), v, h))",
    ("quotients", 3): "-Sum(exp(-E[v,y,h])*dE[v,y,h], h)/Sum(exp(-E[v,y,h]), h) "
                      "+ Sum(exp(-E[v,y,h])*dE[v,y,h], v, h)/Sum(exp(-E[v,y,h]), v, h)",
    ("means", 3): "-Sum(p[h|v,y]*dE[v,y,h], h) + Sum(p[v,h|y]*dE[v,y,h], v, h)",
}


def forms() -> dict[tuple[str, int], tuple[float, ...]]:
    axes = {2: rbm.AXES, 3: rbm.LABELLED_AXES}
    return {(name, n): tuple(value.item() for value in rbm.weighed(
                parse(line, rbm.language(axes[n])), axes[n]))
            for (name, n), line in LINES.items()}


if __name__ == "__main__":
    rows = [f'    ("{name}", {n}): {values},' for (name, n), values in forms().items()]
    print("FORMS = {", *rows, "}", sep="\n")
