"""What a round asks of a local algorithm, and what one that remembers nothing answers."""


class Local:
    """The questions of `server.train`, in the order of a round; an algorithm overrides those that it has another answer to.

    Attributes:
        steps: gradient steps of a client in a round, from 1.
        copies: vectors of the model's length that a client receives in a round.
        remembers: whether clients keep something of their own from round to round.
        summed: whether the server's part is right for a sum alone, and so for no robust aggregator.
    """

    copies, remembers, summed = 1, False, False

    def start(self, model, clients):
        """Return the state before the first round, tensors by name: what the server keeps, and what each client keeps.

        In a simulation one process holds both. What is a client's own depends on its records: it leaves the client only as
        `send` says.

        Args:
            model: an `nn.Module` with the run's first parameters.
            clients: number of clients.
        """
        return {}

    def travels(self, theta, state):
        """Return what of the global parameters (parameters,) a client receives, and an update is about: all of them."""
        return theta

    def begin(self, theta, state, members):
        """Return where the members' parameters begin, (1 × parameters) or (members × parameters), and an offset or None.

        Args:
            theta: global parameters (parameters,).
            state: what `start` made.
            members: client numbers (members,).
        """
        return theta.unsqueeze(0), None

    def correct(self, gradients, here, start, offset=None):
        """Return the directions of one step, one tensor for each parameter tensor: here the gradients themselves.

        Args:
            gradients: of the clients' mean losses, one tensor (clients × shape) for each parameter tensor.
            here: the clients' parameters, likewise.
            start: where the round began, one tensor (1 or clients × shape) for each parameter tensor.
            offset: what `begin` said, likewise; None for none.
        """
        return gradients

    def send(self, updates, state, members, lr, sizes=None):
        """Return what the members send (members × what travels), before it is clipped; a home part is kept here.

        Args:
            updates: how far each member came (members × parameters).
            state, members: as in `begin`.
            lr: the local step size.
            sizes: the members' numbers of records (members,); None where they do not count.
        """
        return updates

    def keep(self, told, state, members, lr):
        """Let each member remember what went out for it (members × what travels), clipped; a report with its noise."""

    def receive(self, update, state, share, lr):
        """Return the update of the global parameters (parameters,), and let the server remember it.

        Args:
            update: the mean of what was sent (what travels,), with the server's noise, float64.
            state: as in `begin`.
            share: of all clients, by weight, that took part; under a mechanism at clients the public sampling rate.
            lr: the local step size.
        """
        return update
