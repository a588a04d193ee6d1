"""Intake's doors."""
