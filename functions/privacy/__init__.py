"""Erases people who ask to be forgotten, and proves it."""
