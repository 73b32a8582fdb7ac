"""The endings of files that hold videos. No libraries in here."""

CONTAINERS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")
ANIMATIONS = (".gif", ".apng")
PERHAPS = (".webp", ".png")  # videos only when they move
