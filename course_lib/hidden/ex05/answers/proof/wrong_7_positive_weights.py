# the weights are exp(E): what is likely would have a high energy
proof = [
    "log(Sum(exp(E[v,y,h]), h)) - log(Sum(exp(-E[v,y,h]), v, h))",
    "-Sum(exp(-E[v,y,h])*dE[v,y,h], h)/Sum(exp(-E[v,y,h]), h)"
    " + Sum(exp(-E[v,y,h])*dE[v,y,h], v, h)/Sum(exp(-E[v,y,h]), v, h)",
    "-Sum(p[h|v,y]*dE[v,y,h], h) + Sum(p[v,h|y]*dE[v,y,h], v, h)",
]
