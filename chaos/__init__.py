"""Game days: real faults in a laptop cloud under load, and what they cost. `make chaos`."""
