# the first line has p in place of the energies
proof = [
    "log(p[v|y])",
    "-Sum(exp(-E[v,y,h])*dE[v,y,h], h)/Sum(exp(-E[v,y,h]), h)"
    " + Sum(exp(-E[v,y,h])*dE[v,y,h], v, h)/Sum(exp(-E[v,y,h]), v, h)",
    "-Sum(p[h|v,y]*dE[v,y,h], h) + Sum(p[v,h|y]*dE[v,y,h], v, h)",
]
