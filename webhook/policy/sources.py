"""CEL sources of a policy, compiled; what does not compile becomes a problem with its field."""

from webhook.checks.wording import quoted
from webhook.policy.expression import WORDS, Expression, InvalidExpression, Returns, compile_expression
from webhook.policy.problem import Problem


def expression_of(source: str, returns: Returns, *, path: str, rule: str, problems: list[Problem]) -> Expression | None:
    """Compile the source of one field of a rule; what is wrong is added to `problems`."""
    try:
        return compile_expression(source, returns=returns)
    except InvalidExpression as err:
        allowed = f"a CEL expression that answers with a {WORDS[returns]}: {err.reason}"
        problems.append(Problem(path, quoted(source), allowed, rule))
        return None
