"""From what the user typed to recordings: files, folders, globs, `@lists`, manifests and URLs.

Reading order: `recording`, `walk` (folders), `patterns` (globs), `lists` (with manifests), `named` (paths), `remote` (buckets, servers,
archives), `pages` (links on web pages), `search` (all of it).
"""

from transcribe_cli.sources.named import LEASE_SUFFIX
from transcribe_cli.sources.recording import MEDIA_SUFFIXES, Recording, from_json_safe, json_safe, refresh
from transcribe_cli.sources.search import find_recordings
from transcribe_cli.sources.walk import is_media

__all__ = ["LEASE_SUFFIX", "MEDIA_SUFFIXES", "Recording", "find_recordings", "from_json_safe", "is_media", "json_safe", "refresh"]
