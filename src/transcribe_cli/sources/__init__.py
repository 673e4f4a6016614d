"""From what the user typed to recordings: files, folders, globs, `@lists`, manifests and URLs.

Reading order: `recording`, `walk` (folders), `patterns` (globs), `lists` (with manifests), `named` (paths), `remote` (buckets, servers,
archives), `pages` (links on web pages), `search` (all of it).
"""

from transcribe_cli.sources.named import LEASE_ENDING
from transcribe_cli.sources.recording import MEDIA_SUFFIXES, Recording, from_json_safe, identify, json_safe
from transcribe_cli.sources.search import find
from transcribe_cli.sources.walk import is_media

__all__ = ["LEASE_ENDING", "MEDIA_SUFFIXES", "Recording", "find", "from_json_safe", "identify", "is_media", "json_safe"]
