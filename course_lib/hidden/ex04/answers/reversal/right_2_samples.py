# sample by sample, with the arguments of the function in its context
class Turn(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, lam, most):
        ctx.lam, ctx.most = lam.tolist(), most
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        back = []
        for one, rate in zip(g, ctx.lam):
            length = math.hypot(*one.flatten().tolist())
            factor = ctx.most / length if length > ctx.most else 1.0
            back.append(-rate * (factor * one))
        return torch.stack(back), None, None


def reversal(x, lam, most):
    return Turn.apply(x, lam, most)
