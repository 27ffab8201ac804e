# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is in any output, log, cache or file, whatever fails and at any verbosity.

The playbooks take their secrets from the environment, so that every file below the directory of the run has to be free of them.
"""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from ansible import constants as C
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.tests.emulator import Emulator
from ansible_collections.alicloud.ehpc.tests.support.codes import CASES
from ansible_collections.alicloud.ehpc.tests.support.in_process import reaching, run
from ansible_collections.alicloud.ehpc.tests.support.playing import MASKS, Play, Run, Task, task
from ansible_collections.alicloud.ehpc.tests.support.secrets import Search, command_lines, forms

SECRETS = {
    "secret key": "EXAMPLE-secret+of/the=account",
    "token": "EXAMPLE-security-token+of/the=account==",
    "secret key of the expired token": "EXAMPLE-secret+of/the=expired",
    "expired token": "EXAMPLE-security-token+of/the=expired==",
    "wrong secret key": "EXAMPLE-secret+that/is=wrong",
    "directory password": "EXAMPLE-directory+password/=",
    "proxy password": "EXAMPLE-proxy p@ssword/+",
    "endpoint password": "EXAMPLE-endpoint-password",
    "user password": "EXAMPLE-Pass{word}+of/hpcuser?",
    "user password outside the rule": "EXAMPLE-password+of/hpcuser08-that-is-long",
    "signature": "EXAMPLEoldsignature+/=",
    "token of the signature": "EXAMPLEoldtoken+/==",
    "signature, V4": "EXAMPLE0123456789abcdef0123456789abcdef",
    "token of the signature, V4": "EXAMPLEv4token+/==",
    "credential of the signature, V4": "STS.EXAMPLEv4signer/20260101/cn-hangzhou/oss/aliyun_v4_request",
}


def in_url(name: str) -> str:
    return quote(SECRETS[name], safe="")


OLD_FORM = (
    "https://bucket.oss-cn-hangzhou.aliyuncs.com/old.sh?OSSAccessKeyId=STS.EXAMPLEoldsigner&Expires=4102444800"
    f"&Signature={in_url('signature')}&security-token={in_url('token of the signature')}"
)
V4_FORM = (
    f"https://bucket.oss-cn-hangzhou.aliyuncs.com/v4.sh?x-oss-credential={in_url('credential of the signature, V4')}&x-oss-date=20260101T000000Z"
    f"&x-oss-expires=3600&x-oss-security-token={in_url('token of the signature, V4')}&x-oss-signature={SECRETS['signature, V4']}"
    "&x-oss-signature-version=OSS4-HMAC-SHA256"
)
PROXY = f"http://user:{in_url('proxy password')}@127.0.0.1:9"
HIDDEN = {
    "SECRET_KEY": SECRETS["secret key"],
    "TOKEN": SECRETS["token"],
    "EXPIRED_SECRET_KEY": SECRETS["secret key of the expired token"],
    "EXPIRED_TOKEN": SECRETS["expired token"],
    "WRONG": SECRETS["wrong secret key"],
    "OLD_FORM": OLD_FORM,
    "V4_FORM": V4_FORM,
    "PROXY": PROXY,
    "PASSWORD": SECRETS["user password"],
    "REFUSED_PASSWORD": SECRETS["user password outside the rule"],
    "ENDPOINT": f"https://user:{SECRETS['endpoint password']}@ehpc.example.com",
}
KEY, EXPIRED = "STS.EXAMPLEaccount", "STS.EXAMPLEexpired"
ECHO = f"The specified parameter {OLD_FORM} or {V4_FORM} or {quote(OLD_FORM)} or {quote(quote(V4_FORM))} is invalid."
NO_ANSWERS = ("html", "truncated_json", "truncated", "lost_before")
GOOD, BAD, PUBLIC = "ehpc-hz-good", "ehpc-hz-bad", "ehpc-hz-public"
# Parts of the string to sign, and the names that precede a signature, a token or a password.
MARKS = re.compile(rb"GET&%2F&|&(Signature|SecurityToken|x-oss-signature)=(?!\*\*\*)|AdUserPasswd|User\.1\.Password")


def hidden(name: str) -> str:
    """A template for a value that only the environment contains."""
    return "{{ lookup('env', 'HIDDEN_%s') }}" % name


SIGNED_SCRIPTS: list[dict[str, t.Any]] = [
    {"url": hidden("OLD_FORM"), "args": f"--then {hidden('V4_FORM')}"},
    {"url": hidden("V4_FORM"), "args": ["--first", hidden("OLD_FORM")]},
]
OF_KEYS = {"access_key": KEY, "secret_key": hidden("SECRET_KEY"), "security_token": hidden("TOKEN")}


def case_id(number: int) -> str:
    return f"ehpc-hz-case{number:02d}"


def scenario() -> dict[str, t.Any]:
    stored = [{"url": OLD_FORM, "args": f"-x {V4_FORM}"}, {"url": V4_FORM, "args": ""}]
    cluster = {
        "location": "OnPremise",
        "proxy_mode": True,
        "post_scripts": stored,
        "users": ["hpcuser01"],
        "on_premise_users": ["hpcuser02"],
        "win_ad_par": yaml.safe_dump({"AdUser": "Administrator", "AdUserPasswd": SECRETS["directory password"]}),
        "openldap_par": f"ldap://user:{in_url('directory password')}@192.0.2.20",
    }
    credentials = [
        {"access_key": KEY, "secret_key": SECRETS["secret key"], "security_token": SECRETS["token"]},
        {
            "access_key": EXPIRED,
            "secret_key": SECRETS["secret key of the expired token"],
            "security_token": SECRETS["expired token"],
            "token_expired": True,
        },
    ]
    ids = [GOOD, BAD, *(case_id(number) for number in range(len(CASES)))]
    return {"credentials": credentials, "clusters": [*({"id": cluster_id, **cluster} for cluster_id in ids), {"id": PUBLIC}]}


def users(name: str, password: str = "PASSWORD", **options: t.Any) -> Task:
    return task(name, "user", **{"cluster_id": PUBLIC, "users": [{"name": "hpcuser08", "password": hidden(password)}], **OF_KEYS, **options})


def successes() -> list[Task]:
    register: Task = {"register": "kept"}
    return [
        task("regions", "region_info"),
        task("clusters", "cluster_info"),
        task("details", "cluster_info", cluster_ids=[GOOD]) | register,
        {"name": "keep", "ansible.builtin.set_fact": {"kept": "{{ kept }}", "cacheable": True}},
        task("scripts", "post_scripts_info", cluster_id=GOOD) | register,
        {"name": "tell", "ansible.builtin.set_stats": {"data": {"kept": "{{ kept }}"}}},
        task("users", "user_info", cluster_id=GOOD),
        task("synchronize", "user_sync", cluster_id=GOOD, expected_users=["hpcuser02"]),
        task("set", "post_scripts", cluster_id=GOOD, scripts=SIGNED_SCRIPTS),
        task("set again", "post_scripts", cluster_id=GOOD, scripts=SIGNED_SCRIPTS[::-1], **OF_KEYS),
        task("look ahead", "post_scripts", cluster_id=GOOD, scripts=SIGNED_SCRIPTS) | {"check_mode": True},
        task("aliases", "region_info", access_key_id=KEY, alicloud_secret_key=hidden("SECRET_KEY"), alicloud_security_token=hidden("TOKEN")),
        task("remove", "post_scripts", cluster_id=GOOD, scripts=[SIGNED_SCRIPTS[0]], state="absent"),
        users("create a user"),
        users("set a password", update_password="always", check_cluster=False),
    ]


def asynchronous() -> list[Task]:
    """Tasks whose results async stores in a file."""
    started: Task = {"async": 60, "poll": 0}
    options = {"cluster_id": GOOD, "scripts": SIGNED_SCRIPTS, **OF_KEYS}
    jobs = {"job": started | {"register": "job"}, "failing job": started | {"register": "failing_job"}}
    finished: Task = {"until": "polled is finished", "delay": 1, "retries": 60, "register": "polled"}

    def poll(name: str, job: str) -> Task:
        return {"name": name, "ansible.builtin.async_status": {"jid": "{{ %s.ansible_job_id }}" % job}} | finished

    return [
        task("job", "post_scripts", **options) | jobs["job"],
        task("failing job", "post_scripts", **options, state=hidden("V4_FORM")) | jobs["failing job"],
        task("polled job", "post_scripts", **{**options, "secret_key": hidden("SECRET_KEY")}) | {"async": 60, "poll": 1},
        poll("result of the job", "job"),
        poll("result of the failing job", "failing_job"),
    ]


def registered(tasks: list[Task], directory: Path) -> list[Task]:
    """The tasks, and one more after them that writes the result of each to a file."""
    names = {f"result_{number}": one for number, one in enumerate(tasks)}
    kept = [one if "register" in one else one | {"register": name} for name, one in names.items()]
    values = ", ".join(f"{one['register']} | default(none)" for one in kept)
    path = directory / f"registered-{len(tasks)}.json"
    return [*kept, {"name": "write", "ansible.builtin.copy": {"content": "{{ [%s] | to_json }}" % values, "dest": str(path), "mode": "0600"}}]


def failures() -> list[Task]:
    """Failures before any response of the service."""
    scripts = {"cluster_id": GOOD, "scripts": SIGNED_SCRIPTS}
    space, twice = {"url": hidden("OLD_FORM") + " x"}, [SIGNED_SCRIPTS[0], SIGNED_SCRIPTS[0]]
    never: dict[str, t.Any] = {"api_retries": 1, "api_retry_max_delay": 0}
    return [
        task("wrong secret", "post_scripts", **scripts, **{**OF_KEYS, "secret_key": hidden("WRONG")}),
        task("expired", "post_scripts", **scripts, access_key=EXPIRED, secret_key=hidden("EXPIRED_SECRET_KEY"), security_token=hidden("EXPIRED_TOKEN")),
        task("token of another key", "region_info", **{**OF_KEYS, "security_token": hidden("EXPIRED_TOKEN")}),
        task("half a pair", "region_info", access_key="", secret_key=hidden("SECRET_KEY")) | {"environment": {"ALIBABA_CLOUD_ACCESS_KEY_ID": ""}},
        task("refused", "post_scripts", **scripts, endpoint="http://127.0.0.1:9", **OF_KEYS, **never),
        task("no tls", "post_scripts", **scripts, endpoint="127.0.0.1:9", **OF_KEYS, **never),
        task("password in the endpoint", "region_info", endpoint=hidden("ENDPOINT"), **OF_KEYS),
        task("space in the url", "post_scripts", cluster_id=GOOD, scripts=[space]),
        task("url twice", "post_scripts", cluster_id=GOOD, scripts=twice, purge=False),
        task("seventeen", "post_scripts", cluster_id=GOOD, scripts=SIGNED_SCRIPTS * 9),
        task("scripts as text", "post_scripts", cluster_id=GOOD, scripts=hidden("OLD_FORM")),
        task("script as text", "post_scripts", cluster_id=GOOD, scripts=[hidden("OLD_FORM")], **OF_KEYS),
        task("unknown suboption", "post_scripts", cluster_id=GOOD, scripts=[{**SIGNED_SCRIPTS[0], "arguments": hidden("V4_FORM")}], **OF_KEYS),
        task("unknown option", "post_scripts", cluster_id=GOOD, script=hidden("OLD_FORM"), **OF_KEYS),
        task("url as the cluster id", "post_scripts", cluster_id=hidden("OLD_FORM"), scripts=[], **OF_KEYS),
        task("url as the state", "post_scripts", cluster_id=GOOD, scripts=[], state=hidden("V4_FORM"), **OF_KEYS),
        task("secret as a number", "region_info", read_timeout=hidden("SECRET_KEY"), **OF_KEYS),
        task("secret as the region", "region_info", **{**OF_KEYS, "region": hidden("SECRET_KEY")}),
    ]


def passwords(emulator: Emulator) -> list[Task]:
    """What goes wrong with a password in the URL of the request, or before it gets there."""
    echo = f"The specified parameter {SECRETS['user password']} or {in_url('user password')} is invalid."
    emulator.fault("ModifyUserPasswords", kind="slow", seconds=0, cluster_id=PUBLIC)
    emulator.fault("ModifyUserPasswords", code="InvalidParams", message=echo, cluster_id=PUBLIC)
    emulator.fault("ModifyUserPasswords", kind="lost_after", cluster_id=PUBLIC, times=None)
    always: dict[str, t.Any] = {"update_password": "always", "check_cluster": False, "api_retries": 1, "api_retry_max_delay": 0}
    return [
        users("password repeated by the service", **always),
        users("password in a lost request", **always),
        users("password in a refused request", endpoint="http://127.0.0.1:9", **always),
        users("password of an unknown option", users=[{"name": "hpcuser08", "pass": hidden("REFUSED_PASSWORD")}]),
        users("password outside the rule", "REFUSED_PASSWORD"),
        users("password as the group", users=[{"name": "hpcuser08", "group": hidden("PASSWORD"), "password": hidden("PASSWORD")}]),
    ]


def faults(emulator: Emulator) -> list[Task]:
    """A task for each documented code, whose message contains the request."""
    modules = {"GetPostScripts": "post_scripts_info", "SetPostScripts": "post_scripts", "SyncUsers": "user_sync"}
    options: dict[str, dict[str, t.Any]] = {"SetPostScripts": {"scripts": SIGNED_SCRIPTS}, "SyncUsers": {"check_cluster": False}}
    tasks = []
    for number, (operation, code) in enumerate(CASES):
        echoes = {} if code in ("SignatureDoesNotMatch", "IncompleteSignature") else {"message": f"{SECRETS['token']} {ECHO}"}
        emulator.fault(operation, code=code, cluster_id=case_id(number), times=None, **echoes)
        own = {"api_retries": 0, **options.get(operation, {})}
        tasks.append(task(f"{operation} {code}", modules[operation], cluster_id=case_id(number), **own))
    for number, kind in enumerate(NO_ANSWERS):
        emulator.fault("ListUsers", kind=kind, cluster_id=case_id(number), times=None)
        tasks.append(task(f"ListUsers {kind}", "user_info", cluster_id=case_id(number), api_retries=1, api_retry_max_delay=0))
    return tasks


def through_proxies() -> list[Task]:
    options = {"cluster_id": GOOD, "api_retries": 1, "api_retry_max_delay": 0}
    return [
        task("proxy", "post_scripts_info", **options),
        task("proxy for https", "post_scripts_info", endpoint="127.0.0.1:8", **options),
    ]


def inventory(directory: Path, emulator: Emulator) -> Path:
    """This machine, and two clusters for the role, of which one fails."""
    emulator.fault("SetPostScripts", code="InvalidParams", message=ECHO, cluster_id=BAD, times=None)
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    wanted = {"ehpc_bootstrap_post_scripts": SIGNED_SCRIPTS, "ehpc_bootstrap_expected_users": ["hpcuser02"]}
    hosts = {"good": {"ehpc_bootstrap_cluster_id": GOOD}, "bad": {"ehpc_bootstrap_cluster_id": BAD}}
    path = directory / "hosts.yml"
    path.write_text(
        yaml.safe_dump({"all": {"vars": local}, "localonly": {"hosts": {"localhost": {}}}, "clusters": {"hosts": hosts, "vars": wanted}}), encoding="utf-8"
    )
    return path


def run_everything(play: Play, emulator: Emulator, in_process: bool) -> Run:
    """One ansible-playbook with as much output as there can be: tasks that succeed and fail, then the role on two clusters."""
    failing = [*passwords(emulator), *failures(), *faults(emulator)[::4]]
    # Processes take long, so some of the tasks show that it is the same function. Asynchronous tasks are processes in both.
    chosen = [*asynchronous(), *failing] if in_process else failing[::3]
    directory = play.directory
    tasks = registered([*successes(), *chosen], directory)
    first = {"name": "First", "hosts": "localhost", "gather_facts": False, "ignore_errors": True, "tasks": tasks}
    second = {**first, "name": "Proxies", "tasks": registered(through_proxies(), directory), "environment": {"NO_PROXY": ""}}
    result = "{{ groups.clusters | map('extract', hostvars, 'ehpc_bootstrap_result') | to_json }}"
    kept: Task = {"name": "results of the role", "ansible.builtin.copy": {"content": result, "dest": str(directory / "role.json"), "mode": "0600"}}
    last = {**first, "name": "Results", "tasks": [kept]}
    return play.playbook(
        [first, second, {"name": "Bootstrap", "import_playbook": "alicloud.ehpc.bootstrap"}, last],
        verbosity=5,
        diff=True,
        code=None,
        inventory=inventory(directory, emulator),
        extra_vars={"ehpc_in_process": in_process, "ehpc_bootstrap_hosts": "clusters"},
        env={
            **{f"HIDDEN_{name}": value for name, value in HIDDEN.items()},
            "ALIBABA_CLOUD_ACCESS_KEY_ID": KEY,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRETS["secret key"],
            "ALIBABA_CLOUD_SECURITY_TOKEN": SECRETS["token"],
            "ALIBABA_CLOUD_REGION_ID": "cn-hangzhou",
            "ALIBABA_CLOUD_EHPC_ENDPOINT": emulator.endpoint,
            "HTTP_PROXY": PROXY,
            "HTTPS_PROXY": PROXY,
            "ANSIBLE_LOG_PATH": str(directory / "ansible.log"),
            "ANSIBLE_RETRY_FILES_ENABLED": "true",
            "ANSIBLE_RETRY_FILES_SAVE_PATH": str(directory / "retry"),
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(directory / "facts"),
            "ANSIBLE_SHOW_CUSTOM_STATS": "true",
            "ANSIBLE_INJECT_INVOCATION": "true",
            "TMPDIR": str(directory),
        },
    )


@pytest.mark.parametrize("in_process", [True, False], ids=["worker", "process"])
def test_no_secret_anywhere(tmp_path: Path, in_process: bool) -> None:
    search = Search(SECRETS)
    with Emulator(scenario()) as emulator, command_lines(str(tmp_path)) as lines:
        run = run_everything(Play(tmp_path), emulator, in_process)
        assert run.results, str(run)
        assert emulator.state.clusters[PUBLIC].users["hpcuser08"].password == SECRETS["user password"]
        called = set(emulator.actions())
    # The run was complete: calls of every kind, tasks of both outcomes, a failure of the role, and all files.
    assert called >= {"GetPostScripts", "SetPostScripts", "SyncUsers", "ListUsers", "AddUsers", "ModifyUserPasswords", "DescribeCluster", "ListRegions"}
    written = {"write", "results of the role"}
    of_jobs = asynchronous() if in_process else []
    succeeded = {one["name"] for one in [*successes(), *of_jobs]} - {"result of the failing job"} | written
    assert {result.task for result in run.results if result.status in ("ok", "changed") and result.host == "localhost"} == succeeded
    assert {result.status for result in run.results if result.host == "localhost" and result.task not in succeeded} == {"failed"}
    assert run.code == 2
    for pattern in ("ansible.log", "facts/*localhost", "retry/*.retry", "registered-*.json", "role.json", *(["home/async/*"] if of_jobs else [])):
        assert list(tmp_path.glob(pattern)), f"no {pattern}"
    if "INJECT_INVOCATION" in C.config.get_configuration_definitions():
        assert '"invocation"' in "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("registered-*.json"))
    assert "CUSTOM STATS" in run.stdout
    assert lines
    assert "through the proxy http://***@127.0.0.1:9 refused" in run["proxy"].msg
    search.look_at("stdout", run.stdout.encode())
    search.look_at("stderr", run.stderr.encode())
    search.look_at_files(tmp_path)
    for line in lines:
        search.look_at("command line", line)
    assert not search.found, f"{len(search.found)} of them:\n" + "\n".join(search.found[:20])
    mark = MARKS.search(run.everything().encode())
    assert not mark, run.everything()[max(mark.start() - 500, 0) : mark.end() + 100]


def test_whatever_the_service_says() -> None:
    """Every documented code and every lost answer, in the process of the test."""
    search = Search(SECRETS)
    with Emulator(scenario()) as emulator:
        for one in faults(emulator):
            name, options = next(item for item in one.items() if item[0].startswith("alicloud."))
            with pytest.raises(EhpcError) as caught:
                run(name.rpartition(".")[2], {**reaching(emulator, security_token=SECRETS["token"]), **revealed(options)})
            search.look_at(one["name"], json.dumps(caught.value.as_failure()).encode())
    assert search.found == []


def revealed(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """The options with the values that are hidden from files."""
    shown = re.sub(r"\{\{ lookup\('env', 'HIDDEN_(\w+)'\) \}\}", lambda match: json.dumps(HIDDEN[match[1]])[1:-1], json.dumps(options))
    return t.cast("dict[str, t.Any]", json.loads(shown))


@pytest.mark.parametrize("in_process", [True, False], ids=["worker", "process"])
def test_label_of_a_loop(tmp_path: Path, in_process: bool) -> None:
    """Ansible prints it from the task itself. Only a release that masks registered secrets can mask it."""
    password = "https://user:EXAMPLE-pass@scripts.example.com/a.sh"
    with Emulator() as emulator:
        loop = task("loop", "post_scripts", cluster_id="ehpc-hz-public01", scripts=[{"url": "{{ item }}"}]) | {"loop": [OLD_FORM, V4_FORM, password]}
        # The file of the play has the URLs, so that ansible-core could quote its lines.
        run = Play(tmp_path, emulator, in_process)([loop, loop], verbosity=1)
    search = Search({**SECRETS, "password": "user:EXAMPLE-pass"})
    search.look_at("stdout", run.stdout.encode())
    assert bool(search.found) is not MASKS, search.found
    assert "(item=https://bucket.oss-cn-hangzhou.aliyuncs.com/old.sh" in run.stdout


def test_a_short_signature_does_not_mask_everything(tmp_path: Path) -> None:
    with Emulator() as emulator:
        run = Play(tmp_path, emulator)(
            [task("set", "post_scripts", cluster_id="ehpc-hz-public01", scripts=[{"url": "https://scripts.example.com/a.sh?sig=1"}])]
        )
    assert run["set"].changed
    assert "$REDACTED$" not in run.everything()


def test_a_secret_would_be_found(tmp_path: Path) -> None:
    search = Search(SECRETS)
    for name, secret in SECRETS.items():
        for number, form in enumerate(sorted(forms(secret))):
            (tmp_path / f"{name} {number}".replace("/", " ")).write_bytes(b"before " + form + b" after")
    count = search.look_at_files(tmp_path)
    assert len(search.found) >= count >= 2 * len(SECRETS)
