#!/usr/bin/python
# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: post_scripts_publish
short_description: Publish post scripts to an OSS bucket
version_added: 1.0.0
author:
  - The alicloud.ehpc contributors (!UNKNOWN)
description:
  - Puts files, rendered templates and strings into a bucket of Object Storage Service (OSS), and returns the list of scripts that
    M(alicloud.ehpc.post_scripts) and M(alicloud.ehpc.post_scripts_run) accept.
  - The name of an object contains the SHA-256 checksum of its content, C(<prefix>/<sha256>/<name>). A changed script is another object with
    another URL, so clusters and nodes get it only when their list is set to it. Objects are never overwritten and never deleted, because
    lists that are in use refer to them.
  - Reads each object, and writes it only if it does not exist. A written object is read back and compared. An object with the same name and
    another content is a failure (C(ContentMismatch)).
  - Scripts with O(scripts[].url) are returned unchanged, so that a list can contain both. If all scripts have O(scripts[].url), neither a
    bucket nor the Python package C(alibabacloud-oss-v2) is required.
extends_documentation_fragment:
  - alicloud.ehpc._shared
  - alicloud.ehpc._execution
  - alicloud.ehpc._attributes.diff
  - alicloud.ehpc._attributes
options:
  scripts:
    description:
      - The scripts, in the order of the returned list, at most 16 unless O(bundle=true). Each has exactly one of O(scripts[].src),
        O(scripts[].template), O(scripts[].content) and O(scripts[].url).
      - A script that is published must begin with C(#!), have lines that end with LF, contain no NUL byte, and not be larger than 1 MiB.
      - Nodes read scripts without credentials. Do not put secrets into them; let the scripts fetch secrets.
    type: list
    elements: dict
    required: true
    suboptions:
      src:
        description:
          - A file on the controller, also if the task is for another host. It is searched for as M(ansible.builtin.copy) does, in C(files) of the
            role, then beside the playbook, and published unchanged. Files that are encrypted with Ansible Vault are decrypted.
        type: str
      template:
        description:
          - A template on the controller, searched for and rendered as M(ansible.builtin.template) does with its default options.
          - Each different result is another object. Avoid dates, random values and other values that differ from run to run.
        type: str
      content:
        description:
          - The content of the script. Requires O(scripts[].name).
        type: str
      url:
        description:
          - The URL of a script that is not published, as in M(alicloud.ehpc.post_scripts). URLs with a signature or a user name are refused,
            because results do not show them.
        type: str
      name:
        description:
          - The last part of the name of the object. It consists of letters, digits, periods, underscores and hyphens.
          - Defaults to the name of the file without C(.j2). With O(scripts[].url) it is used only for the log of a bundle.
        type: str
      args:
        description:
          - The arguments, as a string or a list of strings. A list is joined with POSIX shell quoting.
        type: raw
      checksum:
        description:
          - The checksum of a script with O(scripts[].url), as in M(alicloud.ehpc.post_scripts). It is returned unchanged, and this module does
            not compare it. Nodes that run a bundle compare it.
        type: str
      preflight:
        description:
          - The preflight of a script with O(scripts[].url), as in M(alicloud.ehpc.post_scripts). It is returned unchanged.
        type: str
  bundle:
    description:
      - Whether to publish one bash script that runs all O(scripts) in their order, and to return only this script. It must not be larger than
        1 MiB, and may contain more than 16 scripts.
      - E-HPC documents no order of execution, and verifies no content. A bundle stops at the first script that fails, with its exit status, and
        verifies each script before it runs it. Nodes fetch scripts with O(scripts[].url), and verify them if they have a
        O(scripts[].checksum).
      - The logs on a node are C(/var/log/ehpc-post-scripts/NN-name.log). M(alicloud.ehpc.post_scripts_run) skips a node that has run the bundle
        during its initialization.
    type: bool
    default: false
  bundle_name:
    description:
      - The last part of the name of the object with the bundle, with the same rules as O(scripts[].name). Ignored if O(bundle=false).
    type: str
    default: bootstrap.sh
  bucket:
    description:
      - The name of an existing bucket. Required if O(bundle=true), or if a script has no O(scripts[].url).
    type: str
  prefix:
    description:
      - The beginning of the names of all objects. It consists of letters, digits, periods, underscores, hyphens and slashes.
      - No lifecycle rule of the bucket may delete objects with this prefix, because they are written once and stay in use.
    type: str
    default: ehpc-post-scripts
  bucket_region:
    description:
      - The region of the bucket. Defaults to O(region).
    type: str
  oss_endpoint:
    description:
      - The endpoint to which scripts are uploaded, as C(host[:port]) or a URL, without the name of the bucket. Plain C(http://) is accepted
        for loopback addresses only. Defaults to E(ALIBABA_CLOUD_OSS_ENDPOINT), then to C(https://oss-<region>.aliyuncs.com).
    type: str
  oss_endpoint_type:
    description:
      - V(internal) uploads to C(https://oss-<region>-internal.aliyuncs.com), which only VPCs of that region reach. Ignored if
        O(oss_endpoint) is set.
    type: str
    choices: [public, internal]
    default: public
  oss_cname:
    description:
      - Whether O(oss_endpoint) is a custom domain of the bucket. New accounts require one for buckets in the Chinese mainland.
    type: bool
    default: false
  node_endpoint:
    description:
      - The beginning of the returned URLs. V(internal) is C(https://<bucket>.oss-<region>-internal.aliyuncs.com), which nodes in VPCs of the
        region of the bucket reach. V(public) is the same without C(-internal). Another base URL is used as it is, for example that of an
        on-premises proxy.
      - Defaults to V(internal). If O(oss_endpoint) is a loopback address, the default is C(<oss_endpoint>/<bucket>).
      - Nodes read without credentials, so the bucket must permit that, for example with a bucket policy for their VPC.
    type: str
  acl:
    description:
      - The access control list of objects that are written now. V(default) is that of the bucket. V(public-read) makes them public, and OSS
        refuses it while Block Public Access is on.
      - Objects that exist keep theirs.
    type: str
    choices: [default, private, public-read]
    default: default
  server_side_encryption:
    description:
      - The encryption of objects that are written now, V(AES256) or V(KMS). Defaults to that of the bucket.
    type: str
  server_side_encryption_key_id:
    description:
      - The ID of the key in Key Management Service. Requires O(server_side_encryption=KMS).
    type: str
attributes:
  idempotent:
    support: full
requirements:
  - alibabacloud-oss-v2 >= 1.3.2, if a script is published
notes:
  - Requires the RAM actions C(oss:GetObject) and C(oss:PutObject) on C(acs:oss:*:*:<bucket>/<prefix>/*).
  - In check mode objects are read and not written. The returned URLs are the final ones, so that
    M(alicloud.ehpc.post_scripts) shows the true difference for this list in check mode.
  - Results, diffs and outputs never contain the contents of scripts.
seealso:
  - module: alicloud.ehpc.post_scripts
  - module: alicloud.ehpc.post_scripts_run
  - name: PutObject
    description: OSS API reference.
    link: https://www.alibabacloud.com/help/en/oss/developer-reference/putobject
"""

EXAMPLES = r"""
- name: Publish the scripts of this repository
  alicloud.ehpc.post_scripts_publish:
    region: cn-hangzhou
    bucket: hpc-scripts-example
    scripts:
      - src: scripts/base.sh
        args: --mode base
      - template: scripts/mount.sh.j2
        args: [--export, "nas.example.com:/data set"]
      - url: https://scripts.example.com/monitoring.sh
  register: published

- name: Set them on a cluster
  alicloud.ehpc.post_scripts:
    region: cn-hangzhou
    cluster_id: ehpc-hz-EXAMPLE
    scripts: "{{ published.scripts }}"

- name: Publish one script that runs all others in order
  alicloud.ehpc.post_scripts_publish:
    region: cn-hangzhou
    bucket: hpc-scripts-example
    bundle: true
    scripts:
      - src: scripts/base.sh
        args: --mode base
      - template: scripts/mount.sh.j2

- name: Publish a script from the playbook, for on-premises nodes
  alicloud.ehpc.post_scripts_publish:
    region: cn-hangzhou
    bucket: hpc-scripts-example
    node_endpoint: https://scripts.example.com
    scripts:
      - name: hello.sh
        content: |
          #!/bin/sh
          echo hello
"""

RETURN = r"""
scripts:
  description:
    - The scripts, as M(alicloud.ehpc.post_scripts) and M(alicloud.ehpc.post_scripts_run) accept them.
  returned: success
  type: list
  elements: dict
  sample:
    - url: >-
        https://hpc-scripts-example.oss-cn-hangzhou-internal.aliyuncs.com/ehpc-post-scripts/a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf/base.sh
      args: --mode base
      checksum: sha256:a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf
      preflight: "off"
  contains:
    url:
      description: The URL from which nodes fetch the script.
      type: str
      sample: >-
        https://hpc-scripts-example.oss-cn-hangzhou-internal.aliyuncs.com/ehpc-post-scripts/a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf/base.sh
    args:
      description: The arguments, as one string.
      type: str
      sample: --mode base
    checksum:
      description: The SHA-256 checksum. V(null) for a script with O(scripts[].url) and without O(scripts[].checksum).
      type: str
      sample: sha256:a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf
    preflight:
      description: V(off) for a published script, because it was verified already. For other scripts the given value, if there is one.
      type: str
      sample: "off"
published:
  description:
    - The objects with the scripts. C(changed) is V(true) if the object did not exist before. C(size) is in bytes.
    - After a failure, the objects that were verified before it.
  returned: success, and failure after an object was written
  type: list
  elements: dict
  sample:
    - name: base.sh
      url: >-
        https://hpc-scripts-example.oss-cn-hangzhou-internal.aliyuncs.com/ehpc-post-scripts/a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf/base.sh
      key: ehpc-post-scripts/a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf/base.sh
      sha256: a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf
      size: 212
      changed: true
bucket:
  description: The name of the bucket; V(null) if nothing is published and none is given.
  returned: success, and failure after an object was written
  type: str
  sample: hpc-scripts-example
region:
  description: The region of the bucket.
  returned: success, and failure after an object was written
  type: str
  sample: cn-hangzhou
error:
  description: Structured error details.
  returned: failure
  type: dict
  sample:
    action: PutObject
    code: NoSuchBucket
    message: The specified bucket does not exist.
    http_status: 404
    request_id: 65A1B2C3D4E5F60718293A03
    hint: Check bucket, bucket_region and oss_endpoint. The module does not create buckets.
"""

import typing as t
from dataclasses import replace

from ansible_collections.alicloud.ehpc.plugins.module_utils import _oss, _post_scripts, _publishing
from ansible_collections.alicloud.ehpc.plugins.module_utils._errors import EhpcError
from ansible_collections.alicloud.ehpc.plugins.module_utils._module import ModuleDefinition, run

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.alicloud.ehpc.plugins.module_utils._client import Client
    from ansible_collections.alicloud.ehpc.plugins.module_utils._module import Invocation
    from ansible_collections.alicloud.ehpc.plugins.module_utils._post_scripts import Script
    from ansible_collections.alicloud.ehpc.plugins.module_utils._publishing import Destination, Entry, Object

ARGUMENT_SPEC: dict[str, t.Any] = {
    "scripts": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "src": {"type": "str"},
            "template": {"type": "str"},
            "content": {"type": "str"},
            "url": {"type": "str"},
            "name": {"type": "str"},
            "args": {"type": "raw"},
            "checksum": {"type": "str"},
            "preflight": {"type": "str"},
        },
    },
    "bundle": {"type": "bool", "default": False},
    "bundle_name": {"type": "str", "default": _publishing.DEFAULT_BUNDLE},
    "bucket": {"type": "str"},
    "prefix": {"type": "str", "default": _publishing.DEFAULT_PREFIX},
    "bucket_region": {"type": "str"},
    "oss_endpoint": {"type": "str"},
    "oss_endpoint_type": {"type": "str", "choices": ["public", "internal"], "default": "public"},
    "oss_cname": {"type": "bool", "default": False},
    "node_endpoint": {"type": "str"},
    "acl": {"type": "str", "choices": ["default", "private", "public-read"], "default": "default"},
    "server_side_encryption": {"type": "str"},
    "server_side_encryption_key_id": {"type": "str", "no_log": False},
}


def ensure(invocation: Invocation, client: Client) -> dict[str, t.Any]:
    """Publish the scripts that are not in the bucket yet."""
    params = invocation.params
    entries = _publishing.entries(params)
    is_bundle = params["bundle"] and bool(entries)
    if not is_bundle:
        _post_scripts.check_limit([entry.script for entry in entries])
    region = _publishing.region_of_bucket(params, client.region)
    if not is_bundle and all(entry.content is None for entry in entries):
        return build_result(params["bucket"] or None, region, [entry.script for entry in entries], {}, {})
    where = _publishing.destination(params, region)
    headers = _publishing.object_headers(params)
    if is_bundle:
        entries = [_publishing.bundled(where, params["bundle_name"], entries)]
    scripts, objects = published_scripts(where, entries)
    if where.is_internal and region != client.region:
        invocation.warn(
            "The bucket is in %s, so nodes in %s cannot reach its internal endpoint. Set node_endpoint to public or to a base URL." % (region, client.region)
        )

    bucket = _oss.Bucket(client, where.address)
    changed: dict[str, bool] = {}
    for found in objects.values():
        try:
            changed[found.key] = _publishing.publish(bucket, found, headers, invocation.check_mode)
        except EhpcError as error:
            if not any(changed.values()):
                raise
            done = {key: objects[key] for key in changed}
            raise error.with_context(**build_result(params["bucket"], region, None, done, changed)) from None
    return build_result(params["bucket"], region, scripts, objects, changed)


def published_scripts(where: Destination, entries: list[Entry]) -> tuple[list[Script], dict[str, Object]]:
    """The scripts with their URLs, and the objects by their keys. Two entries with the same name and content are one object."""
    scripts, objects = [], {}
    for entry in entries:
        script = entry.script
        if entry.content is not None:
            found = where.object(entry.name, entry.content)
            objects[found.key] = found
            script = replace(script, url=found.url, checksum=found.sha256, preflight="off")
        scripts.append(script)
    return scripts, objects


def as_option(script: Script) -> dict[str, t.Any]:
    """A script as post_scripts and post_scripts_run accept it."""
    found = {"url": script.url, "args": script.args, "checksum": "sha256:" + script.checksum if script.checksum else None}
    return dict(found, preflight=script.preflight) if script.preflight else found


def build_result(bucket: str | None, region: str, scripts: list[Script] | None, objects: dict[str, Object], changed: dict[str, bool]) -> dict[str, t.Any]:
    """The result of the task; of a task that has failed, without the scripts."""
    published = [
        {"name": found.name, "url": found.url, "key": key, "sha256": found.sha256, "size": len(found.content), "changed": changed[key]}
        for key, found in objects.items()
    ]
    result = {"changed": any(changed.values()), "published": published, "bucket": bucket, "region": region, "diff": diff(bucket, region, published)}
    return result if scripts is None else dict(result, scripts=[as_option(script) for script in scripts])


def diff(bucket: str | None, region: str, published: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    """What --diff shows: names and sums of objects, and never their contents."""
    header = "objects of bucket %s in %s" % (bucket, region)
    before, after = (
        {"objects": [{"key": one["key"], "sha256": one["sha256"]} for one in published if is_after or not one["changed"]]} for is_after in (False, True)
    )
    return {"before_header": header, "after_header": header, "before": before, "after": after}


MODULE = ModuleDefinition(ensure, ARGUMENT_SPEC)


def main() -> None:
    """Run as a process."""
    run(MODULE)


if __name__ == "__main__":
    main()
