# the means are still quotients of sums, of p in place of exp(-E)
proof = [
    "log(Sum(exp(-E[v,y,h]), h)) - log(Sum(exp(-E[v,y,h]), v, h))",
    "-Sum(exp(-E[v,y,h])*dE[v,y,h], h)/Sum(exp(-E[v,y,h]), h)"
    " + Sum(exp(-E[v,y,h])*dE[v,y,h], v, h)/Sum(exp(-E[v,y,h]), v, h)",
    "-Sum(p[v,h,y]*dE[v,y,h], h)/Sum(p[v,h,y], h)"
    " + Sum(p[v,h,y]*dE[v,y,h], v, h)/Sum(p[v,h,y], v, h)",
]
