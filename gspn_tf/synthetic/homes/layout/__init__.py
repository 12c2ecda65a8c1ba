"""What stands where: random rooms, and the rooms of Sweet Home 3D's example homes."""
