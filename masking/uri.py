"""Which parts of a request URI are secret: values by name, exec commands, what value rules find once decoded."""

from collections.abc import Callable, Iterator
from urllib.parse import unquote_plus

from masking.arguments import argument_spans
from masking.decode import Inner, percent_decoded
from masking.names import is_secret_name
from masking.rules import SIGNATURES
from masking.structure import Span


def query_spans(uri: str, kind: str) -> Iterator[Span]:
    """Yield the values of query parameters whose names promise a secret."""
    for name, inner in _parameters(uri):
        if is_secret_name(name) or name.lower() in SIGNATURES:
            yield from inner.outer([Span(0, len(inner.text), kind)])


def command_spans(uri: str, kind: str) -> Iterator[Span]:
    """Yield the secrets in the `command` parameters of an exec, which together are its argument vector."""
    arguments = [inner for name, inner in _parameters(uri) if name == "command"]
    for index, span in argument_spans([inner.text for inner in arguments], kind):
        yield from arguments[index].outer([span])


def decoded_spans(uri: str, find: Callable[[str], list[Span]]) -> Iterator[Span]:
    """Yield what a search finds in the decoded path and in each decoded query value."""
    if "%" in uri or "+" in uri:
        end = uri.find("?")
        path = percent_decoded(uri, 0, len(uri) if end < 0 else end, plus=False)
        for inner in (path, *(inner for _, inner in _parameters(uri))):
            yield from inner.outer(find(inner.text))


def _parameters(uri: str) -> Iterator[tuple[str, Inner]]:
    position = uri.find("?") + 1
    while 0 < position < len(uri):
        end = uri.find("&", position)
        end = len(uri) if end < 0 else end
        equals = uri.find("=", position, end)
        if equals >= 0:
            yield unquote_plus(uri[position:equals]), percent_decoded(uri, equals + 1, end)
        position = end + 1
