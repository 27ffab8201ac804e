# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in any release.

"""Which identity signs: plain keys, or one of the sources that alibabacloud-credentials knows."""

from __future__ import annotations

import ast
import concurrent.futures
import functools
import importlib
import json
import logging
import os
import re
import typing as t

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import option, option_or_variable, variable
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import CREDENTIALS, EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._http import in_background
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_text

if t.TYPE_CHECKING:  # pragma: no cover
    from collections.abc import Mapping

PACKAGE = "alibabacloud-credentials"
# The libraries that log whole requests and answers, to stderr too.
TALKATIVE_LOGGERS = ("credentials", "alibabacloud-tea")
DEFAULT_FILE = "~/.aliyun/config.json"
DEFAULT_SESSION_NAME = "ansible-ehpc"
# For all requests of a source: the token of a role takes two, the default chain asks one source after the other.
MAX_SECONDS = 60.0

# What requests and urllib3 say where there is no answer: with the whole url, and as Python writes its objects.
_NO_CONNECTION = re.compile(r"HTTPS?ConnectionPool\(host='([^']*)', port=(\d+)\).*", re.DOTALL)
_LOST_CONNECTION = re.compile(r"\('Connection aborted\.'.*", re.DOTALL)
_QUERY = re.compile(r"\?[^\s'\"]+")


class Keys(t.NamedTuple):
    """What one request is signed with."""

    access_key: str
    secret_key: str
    security_token: str | None = None


class Credentials(t.NamedTuple):
    """A source of keys. ``identity`` tells it apart from others; it may hold secrets, so it is never shown or stored."""

    identity: tuple[str | None, ...]
    # The keys, within so many seconds.
    keys: t.Callable[[float], Keys]


def credentials(params: Mapping[str, t.Any]) -> Credentials:
    """The credentials that the options, then the environment, then the profiles name.

    An option names its identity before any environment variable does: a profile that is asked for is not
    replaced by keys that happen to be in the environment.
    """
    if option(params, "access_key") or option(params, "secret_key"):
        source = _static(_pair(params))
    elif option(params, "profile") or option(params, "shared_credentials_file"):
        source = _profile(params)
    elif option(params, "ecs_role_name"):
        source = _ecs_role(params)
    elif variable("access_key") or variable("secret_key"):
        source = _static(_pair(params))
    elif option_or_variable(params, "profile") or option_or_variable(params, "shared_credentials_file"):
        source = _profile(params)
    elif option_or_variable(params, "ecs_role_name"):
        source = _ecs_role(params)
    else:
        source = _default_chain()
    role_arn = _role_arn(params, source)
    return _assumed(params, source, role_arn) if role_arn else source


def _pair(params: Mapping[str, t.Any]) -> Keys:
    access_key, secret_key = option_or_variable(params, "access_key"), option_or_variable(params, "secret_key")
    if not secret_key:
        raise invalid_option(
            "There is an access key id but no secret key.", "Give secret_key, or set ALIBABA_CLOUD_ACCESS_KEY_SECRET, or give neither of the two."
        )
    if not access_key:
        raise invalid_option("There is a secret key but no access key id.", "Give access_key, or set ALIBABA_CLOUD_ACCESS_KEY_ID, or give neither of the two.")
    return Keys(access_key, secret_key, _token(params, access_key))


def _token(params: Mapping[str, t.Any], access_key: str) -> str | None:
    """The option, else the environment's token, unless the environment has it for another key."""
    own_key = variable("access_key")
    if option(params, "security_token") or own_key in (None, access_key):
        token: str | None = option_or_variable(params, "security_token")
        return token
    return None


def _static(keys: Keys) -> Credentials:
    return Credentials(("keys", *keys), lambda _seconds: keys)


def _profile(params: Mapping[str, t.Any]) -> Credentials:
    name, path = option_or_variable(params, "profile"), _profile_file(params)
    providers = _package("provider")
    known = [profile.get("name") for profile in _profiles(_read_profiles(path))]
    if not os.path.isfile(path):
        raise invalid_option("The profile cannot be used: there is no file %s." % path, "Create it with the vendor's CLI, or give shared_credentials_file.")
    if name and name not in known:
        raise invalid_option("There is no profile %s in %s, which has: %s." % (name, path, ", ".join(sorted(filter(None, known))) or "none"))

    def provider() -> t.Any:
        # What a profile lacks the package would take from the environment, and so from another identity.
        environment = importlib.import_module("alibabacloud_credentials.utils.auth_util")
        for variable_name in ("access_key_id", "access_key_secret", "security_token"):
            setattr(environment, "environment_" + variable_name, None)
        return providers.CLIProfileCredentialsProvider(profile_name=name, profile_file=path)

    return _provided(("profile", name, path), provider)


def _ecs_role(params: Mapping[str, t.Any]) -> Credentials:
    name = option_or_variable(params, "ecs_role_name")
    providers = _package("provider")
    # Without the refreshing thread that the package would start: a task is shorter than a token's life.
    return _provided(("ecs_role", name), lambda: providers.EcsRamRoleCredentialsProvider(role_name=name, async_update_enabled=False))


def _default_chain() -> Credentials:
    providers = _package("provider")
    chain_variables = sorted(name for name in os.environ if name.startswith("ALIBABA_CLOUD_"))
    identity = ("default", *("%s=%s" % (name, os.environ[name]) for name in chain_variables))
    return _provided(identity, providers.DefaultCredentialsProvider)


def _role_arn(params: Mapping[str, t.Any], source: Credentials) -> str | None:
    if option(params, "assume_role_arn"):
        return t.cast(str, option(params, "assume_role_arn"))
    if source.identity[0] == "keys":
        return variable("assume_role_arn")
    # Without a key ALIBABA_CLOUD_ROLE_ARN belongs to OIDC (RRSA in a Kubernetes pod), which the default chain looks after.
    return variable("assume_role_arn", ("ALICLOUD_ASSUME_ROLE_ARN",))


def _assumed(params: Mapping[str, t.Any], source: Credentials, role_arn: str) -> Credentials:
    providers = _package("provider")
    session_name = option_or_variable(params, "assume_role_session_name") or DEFAULT_SESSION_NAME

    def provider() -> t.Any:
        keys = source.keys(MAX_SECONDS)
        return providers.RamRoleArnCredentialsProvider(
            access_key_id=keys.access_key,
            access_key_secret=keys.secret_key,
            security_token=keys.security_token,
            role_arn=role_arn,
            role_session_name=session_name,
        )

    return _provided(("assumed", role_arn, session_name, *source.identity), provider)


def _provided(identity: tuple[str | None, ...], make: t.Callable[[], t.Any]) -> Credentials:
    """Credentials of a provider of the package, made at the first call; it caches and renews them itself."""
    provider = functools.lru_cache(maxsize=None)(make)

    def keys(seconds: float) -> Keys:
        limit = min(seconds, MAX_SECONDS)
        try:
            # In the background, because the package bounds single reads only, and not the commands that a profile may run.
            found = in_background(lambda: provider().get_credentials()).result(limit)
        except EhpcError:
            raise
        except concurrent.futures.TimeoutError:
            raise _not_found(identity[0], TimeoutError("no response within %g seconds" % limit)) from None
        except Exception as error:  # noqa: BLE001 - the package documents no common class for what its providers raise
            raise _not_found(identity[0], error) from None
        return Keys(found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token() or None)

    return Credentials(identity, keys)


def _not_found(kind: str | None, error: Exception) -> EhpcError:
    sources: dict[str | None, str] = {
        "profile": "the profile",
        "ecs_role": "the role of the ECS instance",
        "assumed": "the assumed role",
        "default": "the default chain of credential sources (no access key was given)",
    }
    reasons = [_told(reason) for reason in _reasons(str(error) or type(error).__name__)]
    hint = "Check the role's ARN, and that its trust policy lets these credentials assume it." if kind == "assumed" else None
    return EhpcError(CREDENTIALS, "No credentials from %s: %s" % (sources[kind], "; ".join(reasons)), hint=hint)


def _reasons(text: str) -> list[str]:
    """What the package says; of its default chain, what each of the sources says."""
    chain = text.partition("providers in the chain: ")[2]
    try:
        # The package writes a Python list there.
        reasons = ast.literal_eval(chain)
    except (ValueError, SyntaxError):
        return [text]
    return [str(reason) for reason in reasons]


def _told(reason: str) -> str:
    """A reason without the requests, answers and outputs that the package puts into it: they have keys and tokens."""
    for marker in ("result:", "stderr:", "output:"):
        reason = reason.partition(marker)[0]
    reason = _NO_CONNECTION.sub(r"\1:\2 could not be reached", reason)
    reason = _LOST_CONNECTION.sub("the connection was lost", reason)
    return redact_text(_QUERY.sub("", reason)).strip().rstrip(",:")


def _package(module: str) -> t.Any:
    try:
        # The package reads its environment variables when it is imported; a process that runs several tasks needs them as they are now.
        for name in ("auth_util", "auth_constant"):
            importlib.reload(importlib.import_module("alibabacloud_credentials.utils." + name))
        for name in TALKATIVE_LOGGERS:
            logging.getLogger(name).disabled = True
        return importlib.import_module("alibabacloud_credentials." + module)
    except ImportError:
        raise EhpcError(
            CREDENTIALS,
            "Every source of credentials but an access key of its own needs the Python package %s. %s" % (PACKAGE, missing_required_lib(PACKAGE)),
        ) from None


def _profile_file(params: Mapping[str, t.Any]) -> str:
    return os.path.expanduser(option_or_variable(params, "shared_credentials_file") or DEFAULT_FILE)


def _read_profiles(path: str) -> dict[str, t.Any]:
    """The CLI's config.json, or nothing where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        # Not the error's own text: a JSON error may quote what stands in the file.
        raise invalid_option("The profile file %s cannot be read (%s)." % (path, type(error).__name__)) from None
    return found if isinstance(found, dict) else {}


def _profiles(config: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    found = config.get("profiles")
    return [profile for profile in found if isinstance(profile, dict)] if isinstance(found, list) else []


def region_of(params: Mapping[str, t.Any]) -> str | None:
    """The region: option, else environment, else that of the profile, else None."""
    found: str | None = option_or_variable(params, "region")
    if found:
        return found
    config = _read_profiles(_profile_file(params))
    name = option_or_variable(params, "profile") or config.get("current")
    for profile in _profiles(config):
        if profile.get("name") == name:
            return profile.get("region_id") or None
    return None
