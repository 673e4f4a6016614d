"""The path of the audio as code, from jobs to outcomes."""
