# binary_cross_entropy_with_logits without a reduction, on logits filled with 0
def patch_loss(real, fake, valid_real, valid_fake):
    total = 0
    for logit, valid, label in ((real, valid_real, 1.0), (fake, valid_fake, 0.0)):
        filled = logit.masked_fill(~valid, 0.0)
        cost = F.binary_cross_entropy_with_logits(filled, torch.full_like(filled, label),
                                                  reduction="none").masked_fill(~valid, 0.0)
        counted = valid.flatten(1).any(1)
        each = cost.flatten(1).sum(1)[counted] / valid.flatten(1).sum(1)[counted]
        total = total + each.mean() / 2
    return total
