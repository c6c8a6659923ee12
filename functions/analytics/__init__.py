"""Playback events become live analytics."""
