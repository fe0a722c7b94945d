# lines between the steps: two quotients, q joint again, the posteriors as quotients of joints
proof = [
    "-E(log(p[0]))",
    "E(-log(p[0:T] / p[1:T|0]))",
    "E(-log(p[0:T] / q[1:T|0])) - E(log(q[1:T|0] / p[1:T|0]))",
    "E(-log(p[0:T] / q[1:T|0])) - E(KL(q[1:T|0], p[1:T|0]))",
    "<= E(log(q[1:T|0] / p[0:T])), gap = E(KL(q[1:T|0], p[1:T|0]))  # KL >= 0",
    "E(-log(p[T]) - Sum(log(p[t-1|t] / q[t|0:t-1]), t, 2, T) - log(p[0|1] / q[1|0]))",
    "E(-log(p[T]) - Sum(log(p[t-1|t]), t, 1, T) + log(q[1:T|0]))",
    "E(-log(p[T]/q[T|0]) - Sum(log(p[t-1|t]*q[t:T|0]/q[t-1:T|0]), t, 2, T) - log(p[0|1]))",
    "E(-log(p[T]/q[T|0]) - Sum(log(p[t-1|t] / q[t-1|t:T,0]), t, 2, T) - log(p[0|1]))",
    "E(KL(q[T|0], p[T]) + Sum(KL(q[t-1|t:T,0], p[t-1|t]), t, 2, T) - log(p[0|1]))",
]
