"""What so many viewers need, computed from measured costs. `make capacity VIEWERS=10000000`."""
