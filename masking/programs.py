"""Programs that take a password in a short flag, one line each; long flags are known by their names.

`attached`: -pSECRET; `next`: -p SECRET; `both`: either; `colon`: -u USER:SECRET, what follows the colon (or percent
sign).
"""

from typing import Literal

How = Literal["attached", "next", "both", "colon"]

PROGRAMS: dict[str, dict[str, How]] = {
    "bcp": {"-P": "both"},
    "cqlsh": {"-p": "both"},
    "crane": {"-p": "next"},
    "curl": {"-u": "colon", "--user": "colon", "-U": "colon", "--proxy-user": "colon"},
    "docker": {"-p": "next"},
    "helm": {"-p": "next"},
    "influx": {"-t": "next"},
    "ldapadd": {"-w": "both"},
    "ldapmodify": {"-w": "both"},
    "ldappasswd": {"-w": "both", "-s": "both"},
    "ldapsearch": {"-w": "both"},
    "mariadb": {"-p": "attached"},
    "mariadb-admin": {"-p": "attached"},
    "mariadb-dump": {"-p": "attached"},
    "mongo": {"-p": "both"},
    "mongodump": {"-p": "both"},
    "mongorestore": {"-p": "both"},
    "mongosh": {"-p": "both"},
    "mysql": {"-p": "attached"},
    "mysqladmin": {"-p": "attached"},
    "mysqldump": {"-p": "attached"},
    "mysqlimport": {"-p": "attached"},
    "nerdctl": {"-p": "next"},
    "oras": {"-p": "next"},
    "podman": {"-p": "next"},
    "redis-cli": {"-a": "next"},
    "skopeo": {"-p": "next", "--creds": "colon", "--src-creds": "colon", "--dest-creds": "colon"},
    "smbclient": {"-U": "colon"},
    "sqlcmd": {"-P": "both"},
    "sshpass": {"-p": "both"},
}
# Only in their subcommand `login` is -p a password: `docker run -p 8080:80` is a port.
LOGIN_ONLY = frozenset(("crane", "docker", "helm", "nerdctl", "oras", "podman", "skopeo"))
# What is piped into these is a password.
READ_STDIN = frozenset(("chpasswd", "passwd"))
# An argument of these that has blanks is shell text, also without -c.
TAKE_TEXT = frozenset(("eval", "ssh", "su", "watch"))
