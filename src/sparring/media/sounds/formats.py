"""The endings of files that hold sounds, in small letters."""

ENDINGS = (".wav", ".flac", ".ogg", ".oga", ".mp3", ".aiff", ".aif", ".aifc", ".au", ".snd", ".caf", ".w64", ".rf64")
"""Read by soundfile."""
BY_AV = (".m4a", ".aac", ".m4b", ".wma", ".opus", ".ac3", ".amr")
"""Read by PyAV, where the extra called ``video`` is installed."""
