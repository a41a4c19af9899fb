"""The fast close over frozen tables of many millions of rows; the same bytes as `royalties.close`."""

from endcredits.royalties.columns.close import close_period

__all__ = ["close_period"]
