"""Servers of the OpenAI transcription API."""
