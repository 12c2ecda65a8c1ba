"""Raw files become a folder of shards, several scenes at a time, kill or no kill."""
