# with lines between, which are true, and remarks
proof = [
    "log(Sum(exp(-E[v,y,h]), h)) - log(Sum(exp(-E[v,y,h]), v, h))     # Z cancels",
    "= log(p[v,y]) - log(p[y])",
    "-Sum(exp(-E[v,y,h])*dE[v,y,h], h)/Sum(exp(-E[v,y,h]), h)         # a half alone",
    "-Sum(exp(-E[v,y,h])*dE[v,y,h], h)/Sum(exp(-E[v,y,h]), h)"
    " + Sum(exp(-E[v,y,h])*dE[v,y,h], v, h)/Sum(exp(-E[v,y,h]), v, h)",
    "= -Sum(p[h|v,y]*dE[v,y,h], h)"
    " + Sum(exp(-E[v,y,h])*dE[v,y,h], v, h)/Sum(exp(-E[v,y,h]), v, h)",
    "= -Sum(p[h|v,y]*dE[v,y,h], h) + Sum(p[v,h|y]*dE[v,y,h], v, h)",
]
