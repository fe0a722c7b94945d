# state by state, and what a visit changes in the energy
def recall(w, theta, s, order):
    ends, paths = [], []
    for state in s:
        on = state.clone()
        E = torch.dot(theta, on) - torch.dot(on, w @ on) / 2
        path = [E]
        for i in order:
            h = torch.dot(w[i], on) - theta[i]
            if h > 0 and on[i] == 0:
                on[i], E = 1, E - h
            elif h < 0 and on[i] == 1:
                on[i], E = 0, E + h
            path.append(E)
        ends.append(on)
        paths.append(torch.stack(path))
    return torch.stack(ends), torch.stack(paths)
