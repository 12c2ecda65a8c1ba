"""A depth camera that is walked through a room, and the mesh that it leaves."""
