"""Agents and the kill switch: `kubescrow agents`. Pure, but for `accounts`, `locking`, `listing` and `command`."""
