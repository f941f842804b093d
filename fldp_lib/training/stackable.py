"""Which layers cannot be trained as a stack of clients: each refused with the reason, and with what to use instead."""

from torch import nn

from .. import checks

DRAWS = (nn.modules.dropout._DropoutNd, nn.RReLU, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d)


def check_stackable(model):
    """Raise an error that gives the reason, and the remedy, if the model cannot be trained as a stack of clients.

    Args:
        model: what the caller wants to train.

    Raises:
        TypeError: not an `nn.Module`.
        ValueError: nothing that trains; batch statistics (one record's output would depend on the other records, and
            the running averages would leave the clients without clipping or noise); dropout and whatever else draws from
            torch's global random state; torch's own recurrent layers, which `torch.func.vmap` cannot run; tables that
            change as they are read, or whose gradients are sparse or weighed by the other records; parameters that have
            no values yet.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {checks.shown(model)} ({type(model).__name__})")
    parameters = list(model.parameters())
    if not any(p.requires_grad for p in parameters):
        raise ValueError(
            f"model must have parameters that train, got {len(parameters)}, {len(parameters)} of them frozen: set "
            "requires_grad to True where it shall learn"
        )
    for name, part in model.named_modules():
        if fault := _fault(part):
            must, why = fault
            raise ValueError(f"model must be {must}, got {type(part).__name__} at {name!r}{why}")


def _fault(part):
    """What a model must be and is not because of this part, and why, as two halves of a sentence; None where it may stay."""
    batchnorm, norms = nn.modules.batchnorm._BatchNorm, nn.modules.batchnorm._NormBase
    if isinstance(part, batchnorm) or (isinstance(part, norms) and part.track_running_stats):
        return "without batch statistics", (
            ": they mix the records of a client and are released without clipping or noise; use GroupNorm or LayerNorm"
        )
    if isinstance(part, nn.modules.lazy.LazyModuleMixin) and part.has_uninitialized_params():
        return "of known shape", ", whose parameters have no values yet; run it once on a record, or give its sizes"
    if isinstance(part, (nn.RNNBase, nn.RNNCellBase)):
        return "without torch's own recurrent layers", (
            ", which torch.func.vmap cannot run for many clients at once; recurrent.rewrite(model) puts the package's in "
            "their place, with the same parameters and the same outputs (recurrent.GRU, LSTM, RNN)"
        )
    if isinstance(part, DRAWS) and getattr(part, "p", 1) > 0:
        remedy = "set its p to 0 or leave it out" if hasattr(part, "p") else "use LeakyReLU, or MaxPool, in its place"
        return "without dropout or other chance", (
            f", which draws from torch's global random state, so that a run could not be repeated from its seed; {remedy}"
        )
    if isinstance(part, nn.MultiheadAttention) and part.dropout > 0:
        return "without dropout", (
            ", which draws from torch's global random state, so that a run could not be repeated from its seed; set its "
            "dropout to 0"
        )
    if isinstance(part, (nn.Embedding, nn.EmbeddingBag)):
        return _table_fault(part)
    return None


def _table_fault(part):
    if part.max_norm is not None:
        return "without max_norm", (
            ", which changes the table as records are read, beside the update that is clipped; leave it out: the clip "
            "bounds what a client moves"
        )
    if part.scale_grad_by_freq:
        return "without scale_grad_by_freq", (
            ", which weighs a record's gradient by the client's other records, padding among them; set it to False"
        )
    if part.sparse:
        return "without sparse gradients", ", since an update is one dense vector; set sparse to False"
    if isinstance(part, nn.EmbeddingBag):
        return "without EmbeddingBag", ", which torch.func.vmap runs client by client; use Embedding(…), and its mean or sum"
    return None
