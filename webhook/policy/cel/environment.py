"""The CEL environment of every expression: variables, the library's extensions, Kubernetes' functions.

Source: https://kubernetes.io/docs/reference/using-api/cel/ (which libraries), what the library has was tried
"""

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_math, ext_optional, ext_strings

from webhook.policy.cel import addresses, formats, lists, quantity, regex, semver, url
from webhook.policy.cel.declare import BOOL, INT, THING, Function, by_kind, extension, member

VARIABLES = ("request", "object", "oldObject", "namespaceObject", "params")

_compare = by_kind({quantity.KIND: quantity.compare, semver.KIND: semver.compare})

_ORDERED: tuple[Function, ...] = (
    member("compareTo", [THING, THING], INT, _compare),
    member("isLessThan", [THING, THING], BOOL, lambda one, other: _compare(one, other) < 0),
    member("isGreaterThan", [THING, THING], BOOL, lambda one, other: _compare(one, other) > 0),
)

FUNCTIONS: tuple[Function, ...] = (
    *_ORDERED,
    *quantity.FUNCTIONS,
    *semver.FUNCTIONS,
    *addresses.FUNCTIONS,
    *url.FUNCTIONS,
    *lists.FUNCTIONS,
    *regex.FUNCTIONS,
    *formats.FUNCTIONS,
)
"""Every function that we add."""

ENVIRONMENT = cel.NewEnv(
    variables=dict.fromkeys(VARIABLES, cel.Type.DYN),
    extensions=[
        ext_bindings.ExtBindings(),
        ext_math.ExtMath(),
        ext_optional.ExtOptional(),
        ext_strings.ExtStrings(),
        extension(FUNCTIONS),
    ],
)
