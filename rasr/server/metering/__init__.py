"""Metering over the store: what was used goes into the ledger, and quotas are asked of it."""
