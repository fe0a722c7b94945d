# products in the logs, other indices, expectations of single terms
proof = [
    "= E(−log(p[0]))",
    "E(log(q[1:T|0] / p[0:T])) − E(KL(q[1:T|0], p[1:T|0]))",
    "≤ −E(log(p[0:T] / q[1:T|0])), gap = E(KL(q[1:T|0], p[1:T|0]))",
    "E(-log(p[T]*Prod(p[t-1|t], t, 1, T) / Prod(q[t|0:t-1], t, 1, T)))",
    "E(-log(p[0:T]) + log(q[T|0]) + Sum(log(q[s-1|s:T,0]), s, 2, T))",
    "E(KL(q[T|0], p[T])) + Sum(E(KL(q[k|k+1:T,0], p[k|k+1])), k, 1, T-1) - E(log(p[0|1]))",
]
