# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of drift: a page that a parser of HTML accepts, whatever the service says, and a table."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.alicloud.ehpc.plugins.module_utils import _drift
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.plugin_utils import _drift_report
from ansible_collections.alicloud.ehpc.tests.support.pages import Page

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</code></td></table></style>--><!--",
    "{{ 7 * 7 }}{% raw %}",
    "&amp;&lt;&#60;",
    "\x00\x07\x1b[31mred\x7f\x85\ufdd0\ufffe\ud800",
    "\u202eevil\u2066",
    "a\tb\r\nc",
    "  two  spaces  ",
    "😀 ünïcode 集群",
    "x" * 10000,
]


def cluster(number: int = 1, **parts: t.Any) -> dict[str, t.Any]:
    """The result of a cluster that is in sync, with other parts."""
    found = _drift.nothing_compared(f"ehpc-hz-{number:05d}", "cn-hangzhou", f"cfd-{number}")
    found.update(status="running", state="in_sync")
    found["scripts"].update(state="in_sync")
    found["users"].update(state="in_sync")
    for name, value in parts.items():
        found[name] = {**found[name], **value} if isinstance(value, dict) and found[name] else value
    return found


def script(url: str, args: str = "") -> dict[str, str]:
    return {"url": url, "args": args}


def node(number: int, **parts: t.Any) -> dict[str, t.Any]:
    found = {"id": f"i-{number}", "hostname": f"compute{number:03d}", "state": "in_sync", "scripts": "in_sync"}
    return {**found, "wrong_uids": [], "unknown_users": [], "reason": None, **parts}


def report(*clusters: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"clusters": list(clusters), "summary": _drift.summary(list(clusters))}


def rendered(*clusters: dict[str, t.Any], nodes: bool = False) -> Page:
    return Page(_drift_report.page(report(*clusters), "LTAIEXAMPLE", nodes, 1767225600))


FAILED = cluster(3, state="failed", status="stopped", users={"state": "failed", "desired": ["hpcuser01"]})
_drift.fail(FAILED, EhpcError("ManagerNotFound", "No manager.", http_status=404, action="ListUsers"))
DRIFTED = cluster(
    2,
    state="drifted",
    scripts={"state": "drifted", "desired": [script("/a.sh", "-x"), script("/b.sh")], "current": [script("/a.sh", "-y")]},
    users={
        "state": "drifted",
        "desired": ["hpcuser01", "hpcuser02"],
        "current": ["hpcuser02", "root"],
        "missing": ["hpcuser01"],
        "unexpected": ["root"],
        "wrong_uids": [{"name": "hpcuser02", "uid": 7, "expected": 8, "node": "compute001"}],
    },
    nodes=[
        node(0),
        node(1, state="drifted", wrong_uids=[{"name": "hpcuser02", "uid": 7, "expected": 8}], unknown_users=["hpcuser01"]),
        node(2, hostname=None, state="failed", scripts="failed", reason="The node is stopped."),
    ],
)


def test_content_of_the_page() -> None:
    page = rendered(cluster(1), DRIFTED, FAILED, nodes=True)
    assert page.errors == []
    assert page.text("h1") == "Drift of E-HPC clusters"
    assert page.text("p", "lead") == "3 clusters: 1 in sync, 1 drifted, 1 failed"
    made = [text for dl in page.all("dl") for text in page.texts("dd", inside=dl)]
    assert made == ["2026-01-01 00:00:00 UTC", "LTAIEXAMPLE", "cn-hangzhou", "compared"]
    overview, *others = page.tables()
    assert overview == [
        ["Cluster", "State", "Scripts", "Users", "Nodes", "Name", "Region", "Status", "Problem"],
        ["ehpc-hz-00003", "failed", "in sync", "failed", "", "cfd-3", "cn-hangzhou", "stopped", "ManagerNotFound: No manager."],
        [
            "ehpc-hz-00002",
            "drifted",
            "drifted",
            "drifted (1 missing, 1 with wrong UID)",
            "1 in sync, 1 drifted, 1 failed",
            "cfd-2",
            "cn-hangzhou",
            "running",
            "",
        ],
        ["ehpc-hz-00001", "in sync", "in sync", "in sync", "", "cfd-1", "cn-hangzhou", "running", ""],
    ]
    assert others == [
        [["User", "Desired", "Current", "Difference"], ["hpcuser01", "yes", "unknown", "unknown"]],
        [["Position", "Desired", "Current", "Difference"], ["1", "/a.sh-x", "/a.sh-y", "different arguments"], ["2", "/b.sh", "none", "missing"]],
        [["User", "Node", "Desired user ID", "Current user ID"], ["hpcuser02", "compute001", "8", "7"]],
        [
            ["User", "Desired", "Current", "Difference"],
            ["hpcuser01", "yes", "no", "missing"],
            ["root", "no", "yes", "no drift"],
            ["hpcuser02", "yes", "yes", "same"],
        ],
        [
            ["Node", "ID", "State", "Scripts", "Remarks"],
            ["", "i-2", "failed", "failed", "The node is stopped."],
            ["compute001", "i-1", "drifted", "in sync", "hpcuser02 has user ID 7 instead of 8. Unknown users: hpcuser01."],
            ["compute000", "i-0", "in sync", "in sync", ""],
        ],
    ]
    assert page.texts("p", "about") == ["cfd-3, cn-hangzhou, stopped", "cfd-2, cn-hangzhou, running", "cfd-1, cn-hangzhou, running"]
    details = {page.texts("summary", inside=detail)[0]: detail.get("open") is not None for detail in page.all("details")}
    assert details == {
        "Users: failed": False,
        "Scripts: drifted": True,
        "Users: drifted (1 missing, 1 with wrong UID)": True,
        "Nodes: 1 in sync, 1 drifted, 1 failed": True,
        "Scripts: in sync": False,
        "Users: in sync": False,
    }
    assert "no scripts, as desired" in page.text("main")


def test_rows_that_differ_are_marked() -> None:
    page = rendered(cluster(1), DRIFTED, FAILED, nodes=True)
    rows = [["".join(cell.itertext()) for cell in row] for row in page.all("tr", "differs")]
    assert [[row[0], row[-1]] for row in rows] == [
        ["1", "different arguments"],
        ["2", "missing"],
        ["hpcuser02", "7"],
        ["hpcuser01", "missing"],
        ["", "The node is stopped."],
        ["compute001", "hpcuser02 has user ID 7 instead of 8. Unknown users: hpcuser01."],
    ]


def test_differences_of_scripts() -> None:
    masked = script("/c.sh?Signature=***")
    desired = [script("/a.sh"), script("/b.sh", "-x"), masked, masked, script("/d.sh", "-x"), script("/e.sh")]
    current = [script("/b.sh"), script("/c.sh"), masked, masked, script("/d.sh")]

    def differences(state: str, found: list[dict[str, str]]) -> list[str]:
        compared = cluster(scripts={"state": state, "desired": desired, "current": found}, masked_differences=[3])
        return [difference for _desired, _current, difference in _drift_report.script_rows(compared)]

    assert differences("drifted", current) == ["different URL", "different", "different signature", "same", "different arguments", "missing"]
    assert differences("failed", []) == ["unknown"] * 6


def test_what_is_not_compared() -> None:
    nothing = _drift.nothing_compared("ehpc-hz-00001", None, None)
    page = rendered(nothing)
    assert page.all("details") == []
    assert "The variables of its host contain neither scripts nor users to compare." in page.text("main")
    page = rendered({**nothing, "state": "in_sync", "scripts": {"state": "in_sync", "desired": [], "current": []}})
    assert (page.texts("summary"), page.texts("h4")) == (["Scripts: in sync"], ["Scripts: in sync", "Users: not compared"])
    assert "neither scripts nor users" not in page.text("main")


def test_the_page_is_accessible() -> None:
    page = rendered(cluster(1), DRIFTED, FAILED, nodes=True)
    assert page.root.get("lang") == "en"
    assert page.all("script") + page.all("link") + page.all("img") + page.all("iframe") == []
    assert [(element.tag, name) for element in page.elements for name in element.attrib if name.startswith("on") or name == "src"] == []
    assert {element.get("href", "#")[0] for element in page.all("a")} == {"#"}
    ids = [element.get("id") for element in page.elements if element.get("id")]
    assert len(ids) == len(set(ids))
    pointers = [element.get(name, "").lstrip("#") for element in page.elements for name in ("href", "aria-labelledby") if element.get(name)]
    assert set(pointers) <= set(ids)
    assert {cell.get("scope") for cell in page.all("th")} == {"row", "col"}
    names = [table.get("aria-label") or page.texts("caption", inside=table)[0] for table in page.all("table")]
    assert len(names) == len(set(names)) == 6
    assert "Nodes of ehpc-hz-00002" in names
    levels = [int(element.tag[1]) for element in page.elements if re.fullmatch("h[1-6]", element.tag)]
    assert levels[:2] == [1, 2]
    assert [later - earlier for earlier, later in zip(levels, levels[1:]) if later - earlier > 1] == []
    assert [len(page.texts("legend")), len(page.all("label")), len(page.all("input"))] == [1, 4, 4]
    style = page.text("style")
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style
    assert "max-width: 40rem" in style
    assert ":focus-visible" in style
    assert not re.search(r"url\(|@import|https?:", style)


def luminance(color: str) -> float:
    digits = color.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    channels = [int(digits[begin : begin + 2], 16) / 255 for begin in (0, 2, 4)]
    linear = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels]
    return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear))


def test_contrast() -> None:
    """At least 4.5, as WCAG 2 requires for text."""
    schemes = [dict(re.findall(r"--(\w+): (#\w+);", block)) for block in re.findall(r":root \{(.*?)\}", rendered(cluster()).text("style"))]
    assert len(schemes) == 3
    for colors in schemes:
        for text in ("text", "soft", "good", "warn", "bad", "link"):
            for behind in ("page", "box"):
                darker, lighter = sorted((luminance(colors[text]), luminance(colors[behind])))
                assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (text, behind, colors)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_strings(text: str) -> None:
    users = {"state": "drifted", "desired": [text], "missing": [text], "wrong_uids": [{"name": text, "uid": 1, "expected": 2, "node": text}]}
    wrong = {"name": text, "uid": 1, "expected": 2}
    hostile_node = node(1, id=text, hostname=text, state="failed", scripts="failed", reason=text, wrong_uids=[wrong], unknown_users=[text])
    scripts = {"state": "drifted", "desired": [script(text, text)], "current": []}
    hostile = cluster(name=text, status=text, region=text, state="failed", scripts=scripts, users=users, nodes=[hostile_node])
    hostile["cluster_id"] = text
    hostile["error"] = {"code": text, "message": text, "hint": text}
    page = Page(_drift_report.page(report(hostile), text, True, 0))
    plain = Page(_drift_report.page(report({**hostile, "cluster_id": "x"}), "x", True, 0))
    assert page.errors == []
    assert [element.tag for element in page.elements] == [element.tag for element in plain.elements], "no element came from a value"
    shown = _drift_report.printable(text)
    assert not re.search(r"[^\n\t]", shown) or all(character.isprintable() or character in "\n\t" for character in shown)
    overview, listed, uids, members, machines = page.tables()
    assert [overview[1][0], *overview[1][5:8]] == [shown] * 4
    assert listed[1][1] == shown * 2
    assert (members[1][0], uids[1][:2], machines[1][:2]) == (shown, [shown] * 2, [shown] * 2)
    assert machines[1][-1] == f"{shown} {shown} has user ID 1 instead of 2. Unknown users: {shown}."
    for line in _drift_report.table([hostile]):
        assert line.isprintable()


def test_a_thousand_clusters_are_below_five_megabytes() -> None:
    scripts = [script(f"https://scripts.example.com/{'directory/' * 5}script{number}.sh", "--mode base --server monitoring.example.com") for number in (1, 2)]
    users = [f"hpcuser{number:04d}" for number in range(20)]
    parts = {"scripts": {"desired": scripts, "current": scripts}, "users": {"desired": users, "current": users}}
    text = _drift_report.page(report(*(cluster(number, **parts) for number in range(1000))), "LTAIEXAMPLE", False, 0)
    assert text.count('<section class="cluster"') == 1000
    assert len(text.encode()) < 5_000_000


def test_table() -> None:
    assert _drift_report.table([FAILED, cluster(1), {**DRIFTED, "nodes": DRIFTED["nodes"][1:]}]) == [
        "CLUSTER        REGION       STATUS   STATE    SCRIPTS  USERS                                  NODES                PROBLEM",
        "ehpc-hz-00001  cn-hangzhou  running  in sync  in sync  in sync",
        "ehpc-hz-00002  cn-hangzhou  running  drifted  drifted  drifted (1 missing, 1 with wrong UID)  1 drifted, 1 failed",
        "ehpc-hz-00003  cn-hangzhou  stopped  failed   in sync  failed                                                      ManagerNotFound: No manager.",
    ]
    assert _drift_report.table([cluster(1)])[0].split() == ["CLUSTER", "REGION", "STATUS", "STATE", "SCRIPTS", "USERS"]
    assert _drift_report.sentence(_drift.summary([cluster()])) == "1 cluster: 1 in sync"
    assert _drift_report.sentence(_drift.summary([])) == "0 clusters"


def test_files(tmp_path: Path) -> None:
    path = _drift_report.checked_path(f" {tmp_path}/drift.html ")
    assert path is not None
    made = report(DRIFTED)
    _drift_report.write(path, made, "LTAIEXAMPLE", False)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["drift.html", "drift.json"]
    assert json.loads((tmp_path / "drift.json").read_text(encoding="utf-8")) == made
    assert _drift_report.checked_path(" ") is None


@pytest.mark.parametrize("path", ["drift.json", "missing/drift.html", "."])
def test_files_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EhpcError, match="The file of the report"):
        _drift_report.checked_path(path)
