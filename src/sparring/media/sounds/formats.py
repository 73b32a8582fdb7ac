"""The endings of files that hold sounds, in small letters."""

ENDINGS = (
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".au", ".snd", ".caf", ".w64", ".rf64",
)  # fmt: skip
"""Read by soundfile."""
BY_AV = (".m4a", ".aac", ".m4b", ".wma", ".ac3", ".amr")
"""Read by PyAV, where the extra called ``video`` is installed."""
