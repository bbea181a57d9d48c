"""What can still be read of a stored policy that is refused: whom it names, and whether it only observes.

Fail closed needs to know for whom. An entry that cannot be read names nobody; an excluded entry that cannot be read
excludes nobody.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from webhook.admission.subject import Subject
from webhook.policy.compiled import BrokenPolicy
from webhook.policy.consistency import subject_problems
from webhook.policy.fields import Mode
from webhook.policy.model import InvalidPolicy
from webhook.policy.spec import SubjectEntry


def salvaged(obj: Any, error: InvalidPolicy) -> BrokenPolicy:
    """Make the broken policy that stands for a refused object of any shape."""
    spec = obj.get("spec") if isinstance(obj, Mapping) else None
    fields: Mapping[str, Any] = spec if isinstance(spec, Mapping) else {}
    return BrokenPolicy(
        name=error.policy,
        problems=error.problems,
        subjects=_readable(fields.get("subjects"), may_be_everybody=False),
        exclude_subjects=_readable(fields.get("excludeSubjects"), may_be_everybody=True),
        mode=Mode.OBSERVE if fields.get("mode") == Mode.OBSERVE else Mode.ENFORCE,
    )


def _readable(entries: Any, *, may_be_everybody: bool) -> tuple[Subject, ...]:
    if not isinstance(entries, list | tuple):
        return ()
    read = (_entry(entry) for entry in entries)
    return tuple(
        entry.subject()
        for entry in read
        if entry is not None and not any(subject_problems("", entry, may_be_everybody=may_be_everybody))
    )


def _entry(entry: Any) -> SubjectEntry | None:
    try:
        return SubjectEntry.model_validate(entry)
    except ValidationError:
        return None
