"""QKeras files, read without QKeras."""
