"""What on-call sees of the recovery room."""
