"""New and changed policies are tried in a process of their own, with limits, before the server compiles them.

`child` is what runs there, `children` starts it, feeds it and ends it, `trials` remembers what was tried. What is
tried is `policy.trial`. The library is C++: a source that crashes it, fills the memory or never ends takes only a
child with it.
"""
