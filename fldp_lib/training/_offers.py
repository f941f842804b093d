"""Whether what a model class has written out, `stacked` and `factors`, is about the model at hand."""


def offers(model, name):
    """Say whether the model's own method `name` computes what its `forward` does.

    A subclass that changes `forward` inherits the method, which then belongs to another function; so do an instance's own
    `forward` and layers other than the affine ones that the class was built with.

    Args:
        model: any `nn.Module`.
        name: "stacked" or "factors".
    """
    line = type(model).__mro__
    owner = next((number for number, kind in enumerate(line) if name in vars(kind)), None)
    if owner is None or "forward" in vars(model) or any("forward" in vars(kind) for kind in line[:owner]):
        return False
    if name == "factors" and not all(p.requires_grad for p in model.parameters()):  # it is of all parameters
        return False
    whole = getattr(line[owner], "whole", None)
    return whole is None or whole(model)


def made_of(model, *layers):
    """Say whether a model's layers are of these classes, and no others, with parameters of their own.

    Args:
        model: an `nn.Module`.
        layers: (class, number of parameter tensors) of each layer, in order.
    """
    found = [(type(layer), len(list(layer.parameters()))) for layer in model.children()]
    return found == list(layers) and len(list(model.parameters())) == sum(number for _, number in layers)
