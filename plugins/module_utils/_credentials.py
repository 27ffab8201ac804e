# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credentials that sign requests: an access key, or one of the sources of the package alibabacloud-credentials."""

from __future__ import annotations

import ast
import concurrent.futures
import functools
import importlib
import json
import logging
import os
import re
import threading
import typing as t

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.alicloud.ehpc.plugins.module_utils._arguments import SharedOptions, Values, first_variable
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import CREDENTIALS, EhpcError, invalid_option
from ansible_collections.alicloud.ehpc.plugins.module_utils._http import in_background
from ansible_collections.alicloud.ehpc.plugins.module_utils._redact import redact_text

PACKAGE = "alibabacloud-credentials"
# They log complete requests and responses, to stderr as well.
LOGGERS = ("credentials", "alibabacloud-tea")
ENVIRONMENT_KEYS = ("environment_access_key_id", "environment_access_key_secret", "environment_security_token")
DEFAULT_FILE = "~/.aliyun/config.json"
DEFAULT_SESSION_NAME = "ansible-ehpc"
# Seconds for all requests of a source: the token of a role takes two, and the default chain tries one source after the other.
MAX_SECONDS = 60.0

# The messages of requests and urllib3 if there is no response: with the complete URL, and with Python objects.
_NO_CONNECTION = re.compile(r"HTTPS?ConnectionPool\(host='([^']*)', port=(\d+)\).*", re.DOTALL)
_LOST_CONNECTION = re.compile(r"\('Connection aborted\.'.*", re.DOTALL)
_QUERY = re.compile(r"\?[^\s'\"]+")


class Keys(t.NamedTuple):
    """The keys that sign a request."""

    access_key: str
    secret_key: str
    security_token: str | None = None


class Credentials(t.NamedTuple):
    """A source of keys."""

    # Distinguishes it from other sources, also in other processes. It may contain secrets: never shown, and stored as a digest only.
    identity: tuple[str | None, ...]
    # The keys, within so many seconds. Raises EhpcError.
    keys: t.Callable[[float], Keys]
    # What the keys may depend on besides, in this process.
    surroundings: tuple[t.Any, ...] = ()


def credentials(shared: SharedOptions) -> Credentials:
    """The credentials that the options, then the environment, then the default chain of alibabacloud-credentials provide.

    An option takes precedence over every environment variable: a profile that is given is not replaced by keys of the environment.
    Raises EhpcError.
    """
    source = _own_source(shared)
    role_arn = _role_arn(shared, source)
    return _assumed(shared, source, role_arn) if role_arn else source


def _own_source(shared: SharedOptions) -> Credentials:
    for origin in (shared.given, shared.environment):
        if origin.access_key or origin.secret_key:
            return _static(_pair(shared))
        if origin.profile or origin.shared_credentials_file:
            return _profile(shared.values)
        if origin.ecs_role_name:
            return _ecs_role(origin.ecs_role_name)
    return _default_chain()


def _pair(shared: SharedOptions) -> Keys:
    access_key, secret_key = shared.values.access_key, shared.values.secret_key
    if not secret_key:
        raise invalid_option("access_key is set, but secret_key is not.", "Set secret_key or ALIBABA_CLOUD_ACCESS_KEY_SECRET, or neither of the two.")
    if not access_key:
        raise invalid_option("secret_key is set, but access_key is not.", "Set access_key or ALIBABA_CLOUD_ACCESS_KEY_ID, or neither of the two.")
    return Keys(access_key, secret_key, _token(shared, access_key))


def _token(shared: SharedOptions, access_key: str) -> str | None:
    """The security token, unless it is that of another access key of the environment."""
    if shared.given.security_token or shared.environment.access_key in (None, access_key):
        return shared.values.security_token
    return None


def _static(keys: Keys) -> Credentials:
    return Credentials(("keys", *keys), lambda _seconds: keys)


def _profile(values: Values) -> Credentials:
    name, path = values.profile, _profile_file(values)
    providers = _providers("The profile")
    if not os.path.isfile(path):
        raise invalid_option("The profile cannot be read: %s does not exist." % path, "Create it with the Alibaba Cloud CLI, or set shared_credentials_file.")
    known = [profile.get("name") for profile in _profiles(_read_profiles(path))]
    if name and name not in known:
        raise invalid_option("There is no profile %s in %s. The file has: %s." % (name, path, ", ".join(sorted(filter(None, known))) or "none"))

    def make() -> t.Any:
        _isolate_package(keys=False)
        return providers.CLIProfileCredentialsProvider(profile_name=name, profile_file=path)

    return _provided(("profile", name, path), make, [path])


def _ecs_role(name: str) -> Credentials:
    providers = _providers("The role of an ECS instance")
    # Without the thread that the package would start to refresh the token: a task is shorter than the life of a token.
    return _provided(("ecs_role", name), lambda: providers.EcsRamRoleCredentialsProvider(role_name=name, async_update_enabled=False))


def _default_chain() -> Credentials:
    try:
        providers = _providers("The default chain")
    except EhpcError:
        raise _no_credentials("Profiles, RAM roles and OIDC also require the Python package %s." % PACKAGE) from None
    home = os.path.expanduser("~")
    variables = ["%s=%s" % (name, value) for name, value in sorted(os.environ.items()) if name.startswith("ALIBABA_CLOUD_")]
    files = [os.path.join(home, *path) for path in ((".aliyun", "config.json"), (".alibabacloud", "credentials.ini"))]
    files += filter(None, map(os.environ.get, ("ALIBABA_CLOUD_CREDENTIALS_FILE", "ALIBABA_CLOUD_OIDC_TOKEN_FILE")))
    return _provided(("default", home, *variables), providers.DefaultCredentialsProvider, files)


def _role_arn(shared: SharedOptions, source: Credentials) -> str | None:
    if source.identity[0] == "keys":
        return shared.values.assume_role_arn
    # Without a key, ALIBABA_CLOUD_ROLE_ARN belongs to OIDC (RRSA in a Kubernetes pod), which is part of the default chain.
    return shared.given.assume_role_arn or first_variable("ALICLOUD_ASSUME_ROLE_ARN")


def _assumed(shared: SharedOptions, source: Credentials, role_arn: str) -> Credentials:
    providers = _providers("An assumed role")
    session_name = shared.values.assume_role_session_name or DEFAULT_SESSION_NAME

    def make() -> t.Any:
        keys = source.keys(MAX_SECONDS)
        return providers.RamRoleArnCredentialsProvider(
            access_key_id=keys.access_key,
            access_key_secret=keys.secret_key,
            security_token=keys.security_token,
            role_arn=role_arn,
            role_session_name=session_name,
        )

    found = _provided(("assumed", role_arn, session_name, *source.identity), make)
    return found._replace(surroundings=(*found.surroundings, *source.surroundings))


def _provided(identity: tuple[str | None, ...], make: t.Callable[[], t.Any], files: t.Iterable[str] = ()) -> Credentials:
    """Credentials of a provider of the package, made at the first use. It keeps its keys, and refreshes them when they expire."""
    provider = functools.lru_cache(maxsize=None)(make)
    lock = threading.Lock()
    request: concurrent.futures.Future[t.Any] | None = None

    def requested() -> concurrent.futures.Future[t.Any]:
        """A request for the keys, which all threads share that need them at the same time."""
        nonlocal request
        with lock:
            if request is None or request.done():
                # In the background, because the package bounds single reads only, and not the commands that a profile may run.
                request = in_background(lambda: provider().get_credentials())
            return request

    def keys(seconds: float) -> Keys:
        limit = min(seconds, MAX_SECONDS)
        try:
            found = requested().result(limit)
        except EhpcError:
            raise
        except concurrent.futures.TimeoutError:
            raise _not_found(identity[0], TimeoutError("no response within %g seconds" % limit)) from None
        except Exception as error:  # noqa: BLE001 - the package documents no common class for what its providers raise
            raise _not_found(identity[0], error) from None
        return Keys(found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token() or None)

    # All variables, because a profile may run any command.
    return Credentials(identity, keys, (tuple(sorted(os.environ.items())), *((path, _state(path)) for path in files)))


def _state(path: str) -> tuple[int, ...] | None:
    """What changes when a file is written or replaced."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _no_credentials(details: str) -> EhpcError:
    hint = "Set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or access_key and secret_key, or configure a profile of the Alibaba Cloud CLI."
    return EhpcError(CREDENTIALS, "No credentials found.", hint="%s %s" % (hint, details))


def _not_found(kind: str | None, error: Exception) -> EhpcError:
    reasons = "; ".join(_summary(reason) for reason in _reasons(str(error) or type(error).__name__))
    if kind == "default":
        return _no_credentials("The default chain of credentials reported: %s." % reasons.rstrip("."))
    sources: dict[str | None, str] = {"profile": "the profile", "ecs_role": "the role of the ECS instance", "assumed": "the assumed role"}
    hint = "Check the ARN of the role, and that its trust policy allows these credentials to assume it." if kind == "assumed" else None
    return EhpcError(CREDENTIALS, "No credentials from %s: %s" % (sources[kind], reasons), hint=hint)


def _reasons(text: str) -> list[str]:
    """The messages of the package; for its default chain, one for each source."""
    chain = text.partition("providers in the chain: ")[2]
    try:
        # The package writes a Python list.
        reasons = ast.literal_eval(chain)
    except (ValueError, SyntaxError):
        return [text]
    return [str(reason) for reason in reasons]


def _summary(reason: str) -> str:
    """A reason without the requests, responses and outputs that the package puts into it: they contain keys and tokens."""
    for marker in ("result:", "stderr:", "output:"):
        reason = reason.partition(marker)[0]
    reason = _NO_CONNECTION.sub(r"\1:\2 could not be reached", reason)
    reason = _LOST_CONNECTION.sub("the connection was lost", reason)
    return redact_text(_QUERY.sub("", reason)).strip().rstrip(",:")


def _providers(source: str) -> t.Any:
    """The module of the package's providers. Raises EhpcError if it is not installed."""
    try:
        _isolate_package()
        return importlib.import_module("alibabacloud_credentials.provider")
    except ImportError:
        raise EhpcError(CREDENTIALS, "%s requires the Python package %s. %s" % (source, PACKAGE, missing_required_lib(PACKAGE))) from None


def _isolate_package(keys: bool = True) -> None:
    """Make the package see the environment as it is now, without the keys in it if so wanted, and make it silent.

    It reads environment variables into module globals when it is imported, and a worker runs several tasks. From these globals it also
    takes what a profile lacks, and so the key of another identity. Both are private to the package: a test checks that they exist.
    """
    for name in ("auth_util", "auth_constant"):
        importlib.reload(importlib.import_module("alibabacloud_credentials.utils." + name))
    if not keys:
        environment = importlib.import_module("alibabacloud_credentials.utils.auth_util")
        for name in ENVIRONMENT_KEYS:
            setattr(environment, name, None)
    for name in LOGGERS:
        logging.getLogger(name).disabled = True


def _profile_file(values: Values) -> str:
    return os.path.expanduser(values.shared_credentials_file or DEFAULT_FILE)


def _read_profiles(path: str) -> dict[str, t.Any]:
    """The config.json of the Alibaba Cloud CLI, empty if there is none. Raises EhpcError."""
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        # Not the error's own text: a JSON error may quote the content of the file.
        raise invalid_option("The profile file %s cannot be read (%s)." % (path, type(error).__name__)) from None
    return config if isinstance(config, dict) else {}


def _profiles(config: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    profiles = config.get("profiles")
    return [profile for profile in profiles if isinstance(profile, dict)] if isinstance(profiles, list) else []


def region_of(shared: SharedOptions) -> str | None:
    """The region: option, else environment, else that of the profile, else None. Raises EhpcError."""
    if shared.values.region:
        return shared.values.region
    config = _read_profiles(_profile_file(shared.values))
    name = shared.values.profile or config.get("current")
    for profile in _profiles(config):
        if profile.get("name") == name:
            return profile.get("region_id") or None
    return None
