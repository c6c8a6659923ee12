"""A day in the platform's life: viewers, their playback events, and the proof of the counts."""
