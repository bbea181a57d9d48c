"""Tokens that providers gave a shape of their own, one line each: id, needles, pattern of the whole secret.

Only shapes that their makers document and that nothing else has. A new line needs a case in
`tests/masking/cases/<id>.yaml` that masks and one that stays.
"""

# Not in the middle of a longer word, but directly after a percent escape (%20AKIA...).
_START = r"(?:(?<![A-Za-z0-9_/+.-])|(?<=%[0-9A-Fa-f]{2})|(?<=/))"

TOKENS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("age-key", ("age-secret-key-1",), r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    ("anthropic-key", ("sk-ant-",), r"sk-ant-[A-Za-z0-9_-]{20,255}+"),
    ("aws-access-key", ("akia", "asia"), _START + r"A[KS]IA[A-Z2-7]{16}(?![A-Za-z0-9])"),
    ("digitalocean-token", ("_v1_",), r"do[opr]_v1_[0-9a-f]{64}"),
    ("docker-token", ("dckr_",), r"dckr_[po]at_[A-Za-z0-9_-]{20,64}+"),
    ("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[opusr]_[A-Za-z0-9]{36,255}+"),
    ("github-fine-token", ("github_pat_",), r"github_pat_[A-Za-z0-9_]{22,255}+"),
    (
        "gitlab-token",
        ("glpat-", "glptt-", "gldt-", "glrt-", "glcbt-"),
        r"gl(?:pat|ptt|dt|rt|cbt)-[A-Za-z0-9_-]{20,255}+",
    ),
    ("google-api-key", ("aiza",), r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    ("google-oauth", ("ya29.", "gocspx-"), r"(?:ya29\.[A-Za-z0-9_-]{20,1024}+|GOCSPX-[A-Za-z0-9_-]{20,64}+)"),
    ("hugging-face-token", ("hf_",), _START + r"hf_[A-Za-z0-9]{30,64}+"),
    ("npm-token", ("npm_",), r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    ("openai-key", ("sk-",), _START + r"sk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,255}+|[A-Za-z0-9]{40,64}+)"),
    ("pypi-token", ("pypi-age",), r"pypi-AgE[A-Za-z0-9_-]{50,512}+"),
    ("sendgrid-key", ("sg.",), _START + r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    ("slack-token", ("xox", "xapp-"), r"(?:xox[abeoprs]-|xapp-[0-9]-)[A-Za-z0-9-]{10,255}+"),
    ("slack-webhook", ("hooks.slack.com",), r"(?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{20,100}+"),
    ("stripe-key", ("_live_", "_test_", "whsec_"), r"(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9+/]{16,255}+"),
    ("vault-token", ("hvs.", "hvb.", "hvr."), _START + r"hv[sbr]\.[A-Za-z0-9_-]{20,512}+"),
)
