"""What platform teams write (AgentPolicy) and how one request is judged by all of it.

`model` reads a policy, `compile` makes it runnable, `evaluate` turns a request into a verdict. Pure: no clock,
no network, no log. What is done about a verdict is `gate`'s matter.
"""
