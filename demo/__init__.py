"""A day in the platform's life: seeded viewers, their playback events, and the proof that each counted once."""
