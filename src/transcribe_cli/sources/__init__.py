"""Finds the recordings named by the user's sources: files, folders, globs, `@lists`, manifests and URLs.

Reading order: `recording`, `walk` (folders), `patterns` (globs), `lists` (with manifests), `local_paths`, `remote` (buckets, servers,
archives), `web_pages` (links), `discovery` (all sources), `fetch` and `download` (local copies).
"""

from transcribe_cli.sources.discovery import find_recordings
from transcribe_cli.sources.local_paths import LEASE_SUFFIX
from transcribe_cli.sources.recording import MEDIA_SUFFIXES, Recording, from_json_safe, json_safe, refresh
from transcribe_cli.sources.walk import is_media

__all__ = ["LEASE_SUFFIX", "MEDIA_SUFFIXES", "Recording", "find_recordings", "from_json_safe", "is_media", "json_safe", "refresh"]
