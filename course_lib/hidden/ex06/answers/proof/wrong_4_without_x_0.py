# turns q's steps round without the condition on x_0
proof = [
    "E(-log(p[0]))",
    "E(-log(p[0:T] / q[1:T|0]) - KL(q[1:T|0], p[1:T|0]))",
    "<= E(-log(p[0:T] / q[1:T|0])), gap = E(KL(q[1:T|0], p[1:T|0]))",
    "E(-log(p[T]) - Sum(log(p[t-1|t] / q[t|0:t-1]), t, 1, T))",
    "E(-log(p[T]/q[T|0]) - Sum(log(p[t-1|t] / q[t-1|t:T]), t, 2, T) - log(p[0|1]))",
    "E(KL(q[T|0], p[T]) + Sum(KL(q[t-1|t:T], p[t-1|t]), t, 2, T) - log(p[0|1]))",
]
