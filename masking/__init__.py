"""masking finds secrets in Kubernetes data and replaces them, so that none reaches disk, logs, answers or approvals.

Promise. What a channel names (`channels/`, each with its rule, fields and source) is always replaced, in objects,
lists and every type of patch; what a value rule knows by its shape (`rules.py`, `tokens.py`) is replaced wherever
it stands. Only the secret span is: names, images, replicas, labels, digests, commands and URLs around it stay.
Equal secrets give equal digits, masked output masked again is itself, and no input crashes it: any JSON value of
any depth, lone surrogates included.

Boundary. Pure: no I/O, no clock, no randomness, nothing of our other packages. It does not know policies, events'
meaning or storage; it cannot know a secret that no name, place or shape gives away.

    request or event -> walk (mask.py, walk.py) -> channels (structure) -> scanner (value rules) -> placeholder
"""

from masking.mask import Explained, Masker
from masking.placeholder import MaskingKey
from masking.structure import Finding, Replace

__all__ = ["Explained", "Finding", "Masker", "MaskingKey", "Replace"]
