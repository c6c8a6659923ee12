"""The consumer, beside what others would write in its place."""
