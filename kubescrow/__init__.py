"""The command line: everything that people type. It may use every other package; no other package uses it."""
