"""`make demo`: the story that a newcomer sees, told by real programs."""
