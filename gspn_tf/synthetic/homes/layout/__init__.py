"""Furnished rooms: random ones, and the rooms of Sweet Home 3D's example homes."""
