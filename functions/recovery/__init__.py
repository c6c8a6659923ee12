"""Recovery: what a failure would cost, what it did cost, and how it is undone."""
