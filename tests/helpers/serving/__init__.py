"""Helpers that serve exported models and look at the answers."""
