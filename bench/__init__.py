"""How fast and how dear, measured beside what it is compared with, in the same run."""
