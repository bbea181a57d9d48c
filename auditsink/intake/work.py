"""One body to its records: the whole of the pure work, for whoever runs it beside the event loop."""

from dataclasses import dataclass

from auditsink.intake.batch import split
from auditsink.intake.event import Recorder
from auditsink.intake.record import Record


@dataclass(frozen=True, slots=True)
class Work:
    """The records of one body, and whether the body was whole."""

    records: list[Record]
    is_complete: bool


def records_of(body: bytes | bytearray, *, cluster: str, recorder: Recorder) -> Work:
    """Return the records of one body.

    Raises:
        NotAnEventList: it is none.
    """
    batch = split(body)
    return Work([recorder.record(bytes(each), cluster=cluster) for each in batch.slices], batch.is_complete)
