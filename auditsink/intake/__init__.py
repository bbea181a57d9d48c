"""Bytes to records: split a batch, read each event, mask it. Pure; keys come in as arguments."""
