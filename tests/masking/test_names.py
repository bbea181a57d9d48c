"""Which names promise a secret."""

import pytest

from masking.names import LONGEST, is_secret_name


def _names(text: str) -> list[str]:
    return text.split()


SECRET = _names("""
    PASSWORD DB_PASSWORD dbPassword db-password PGPASSWORD MYSQL_ROOT_PASSWORD passwd PASSPHRASE
    REDIS_PASS PWD TOKEN GITHUB_TOKEN token-auth-token apiToken TOKENS API_KEY apiKey APIKEY
    X-Api-Key x_api_key SECRET CLIENT_SECRET secretKey AWS_SECRET_ACCESS_KEY ACCESS_KEY PRIVATE_KEY
    ENCRYPTION_KEY signing-key MASTER_KEY ACCOUNT_KEY CREDENTIALS creds JWT Cookie Authorization
    --password --token -password VAULT_SECRET_ID spring.datasource.password SESSION_KEY SAS
""")
HARMLESS = _names("""
    PASSWORD_FILE SECRET_NAME TOKEN_PATH TOKEN_ENABLED secretName tokenExpirationSeconds TOKEN_TTL
    MAX_TOKENS TOKENS_PER_MINUTE numTokens TOKENIZERS_PARALLELISM token_limit COMPASS BYPASS KEY
    SORT_KEY key KEYBOARD MONKEY PUBLIC_KEY AWS_ACCESS_KEY_ID USE_TOKEN ENABLE_SECRETS
    ALLOW_EMPTY_PASSWORD requirePassword automountServiceAccountToken HOME PATH LOG_LEVEL
    --password-file --password-stdin --token-ttl SECRET_PROVIDER PASSWORD_POLICY API_KEY_HEADER
    CREDENTIALS_URL PUBLIC_TOKEN JWT_ISSUER JWT_AUDIENCE ___ 123 é
""")


@pytest.mark.parametrize("name", SECRET)
def test_promises_a_secret(name: str) -> None:
    """Names of secrets in every spelling."""
    assert is_secret_name(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_promises_none(name: str) -> None:
    """Names of files, ages, switches, counts, and words that only contain such a word."""
    assert not is_secret_name(name)


def test_an_endless_name_is_none() -> None:
    """A name longer than any in use is not looked at."""
    assert not is_secret_name("password" * LONGEST)
