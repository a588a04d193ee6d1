"""Supervision at work: the sweep that climbs the ladder, meetings, inspections, re-visits, groups and scores."""
