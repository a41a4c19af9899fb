"""Rails: the ways that money can take, as pure functions from a batch to bytes or to requests.

`FILE_RAILS` names those that make a file: `pain001` (ISO 20022), `nacha` (United States), `csv`. `stripe` sends requests
and lives in its own module, because it needs a server to talk to. All of them read an `Order` and nothing else, and refuse
what a bank would refuse.
"""

from endcredits.payouts.rails.latin import Rewritten, latin, unspellable
from endcredits.payouts.rails.nacha import nacha
from endcredits.payouts.rails.orders import FileRail, Order, RailFile
from endcredits.payouts.rails.pain001 import pain001
from endcredits.payouts.rails.table import csv_file

FILE_RAILS: dict[str, FileRail] = {"pain001": pain001, "nacha": nacha, "csv": csv_file}
"""The rails that make a file, by name."""

__all__ = [
    "FILE_RAILS",
    "FileRail",
    "Order",
    "RailFile",
    "Rewritten",
    "csv_file",
    "latin",
    "nacha",
    "pain001",
    "unspellable",
]
