# one logarithm, the derivative with factors on the left, the sums nested
proof = (
    "log(Sum(exp(-E[v,y,h]), h) / Sum(Sum(exp(-E[v,y,h]), v), h))",
    "Sum(dE[v,y,h]*exp(-E[v,y,h]), v, h)/Sum(exp(-E[v,y,h]), v, h)"
    " - Sum(dE[v,y,h]*exp(-E[v,y,h]), h)/Sum(exp(-E[v,y,h]), h)",
    "Sum(p[v|y]*Sum(p[h|v,y]*dE[v,y,h], h), v) - Sum(p[h|v,y]*dE[v,y,h], h)",
)
