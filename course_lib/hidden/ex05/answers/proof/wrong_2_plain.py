# the mean of the free machine is under p(v, y, h), as if no label were told
proof = [
    "log(Sum(exp(-E[v,y,h]), h)) - log(Sum(exp(-E[v,y,h]), v, h))",
    "-Sum(exp(-E[v,y,h])*dE[v,y,h], h)/Sum(exp(-E[v,y,h]), h)"
    " + Sum(exp(-E[v,y,h])*dE[v,y,h], v, h)/Sum(exp(-E[v,y,h]), v, h)",
    "-Sum(p[h|v,y]*dE[v,y,h], h) + Sum(p[v,y,h]*dE[v,y,h], v, y, h)",
]
