"""The programs behind `gspn <command>`."""
