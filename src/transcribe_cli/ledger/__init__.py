"""The ledger: a history of runs, with their machines, speeds, costs and failures. No run depends on it.

It is a database that SQLAlchemy supports; by default a SQLite file in the user's state folder. Reading order: `facts` (location of the
ledger, facts about a run before it starts), `tables` (the schema), `migrations` (upgrades of older ledgers), `database` (connections and
their errors), `run_writer` (writes the rows of a run as its events arrive), `history` (queries). All but `facts` import SQLAlchemy.
"""

from transcribe_cli.ledger.facts import RECORDED_EVENTS, RunFacts, ledger_exists, ledger_url

__all__ = ["RECORDED_EVENTS", "RunFacts", "ledger_exists", "ledger_url"]
