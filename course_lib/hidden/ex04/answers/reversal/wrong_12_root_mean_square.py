# takes the root mean square for the length
def reversal(x, lam, most):
    class Reversal(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, lam):
            ctx.save_for_backward(lam)
            return x.view_as(x)

        @staticmethod
        def backward(ctx, g):
            rows = g.reshape(len(g), -1)
            top = rows.abs().amax(1, keepdim=True)
            length = top * torch.where(top > 0, rows / top, 0).square().mean(1, keepdim=True).sqrt()
            short = torch.where(length > most, most / length * rows, rows)
            return (-ctx.saved_tensors[0][:, None] * short).view_as(g), None

    return Reversal.apply(x, lam)
