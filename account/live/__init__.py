"""On-call's screen of what runs now: a page on this machine, and the calls that it asks for."""
