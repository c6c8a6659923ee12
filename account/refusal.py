"""How this package says no."""


class Refusal(Exception):
    """A sentence for a human: what is wrong, and the remedy. Nothing was changed since."""
