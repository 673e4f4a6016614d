"""The ledger: what was run, where, how fast, for how much, and what failed. History, never state: no run decides anything by it.

A database that SQLAlchemy can reach; without further ado a SQLite file in the user's state folder. Reading order: `facts` (where it is,
and what is known of a run beforehand), `tables` (what is kept), `migrations` (how an older ledger becomes a newer one), `database`
(reaching it, and every way in which that fails), `entries` (a run's rows as its events come), `history` (what is asked of it later). All
but `facts` import SQLAlchemy.
"""

from transcribe_cli.ledger.facts import RECORDED_EVENTS, RunFacts, ledger_exists, ledger_url

__all__ = ["RECORDED_EVENTS", "RunFacts", "ledger_exists", "ledger_url"]
