"""Rotation: every credential every 30 days, without a refused login."""
