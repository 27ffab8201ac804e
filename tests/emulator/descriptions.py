# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters, nodes and users in the fields that the service documents for them."""

from __future__ import annotations

import json
from typing import Any

from .commands import Command, Record
from .state import V1, Cluster, Node, User

CPU, MEMORY = 4, 8192
COMMON_IMAGE = {"ImageId": "centos_7_6_x64_20G_alibase_20211130.vhd", "ImageOwnerAlias": "system"}
NETWORK = {"VpcId": "vpc-EXAMPLE", "VSwitchId": "vsw-EXAMPLE"}
OS_TAG = "CentOS_7.6_64"


def _basics(cluster: Cluster) -> dict[str, Any]:
    """What DescribeCluster, ListClusters and ListClustersMeta have in common."""
    return {
        "Id": cluster.id,
        "Name": cluster.name,
        "Description": cluster.description,
        "Status": cluster.current_status(),
        "Location": cluster.location,
        "SchedulerType": cluster.scheduler_type,
        "AccountType": cluster.account_type,
        "DeployMode": cluster.deploy_mode,
        "OsTag": OS_TAG,
        "ClientVersion": "1.0.64",
        "VpcId": NETWORK["VpcId"],
    }


def _placement(cluster: Cluster) -> dict[str, Any]:
    return {
        "RegionId": cluster.region,
        "ZoneId": f"{cluster.region}-b",
        "VSwitchId": NETWORK["VSwitchId"],
        "ResourceGroupId": "rg-EXAMPLE",
        "CreateTime": cluster.create_time,
        "BaseOsTag": OS_TAG,
        **COMMON_IMAGE,
    }


def cluster_meta(cluster: Cluster) -> dict[str, Any]:
    return {**_basics(cluster), "EhpcVersion": "1.0.0" if cluster.generation == V1 else "2.0.0", "HasPlugin": False, "IsComputeEss": False}


def cluster_simple(cluster: Cluster) -> dict[str, Any]:
    computes = _nodes(cluster, "Compute")
    login_nodes = [{"Id": node.id, "PublicIpAddress": node.public_ip_address} for node in _nodes(cluster, "Login")]
    total = {"Cpu": CPU * len(computes), "Gpu": 0, "Memory": MEMORY * len(computes)}
    return {
        **cluster_meta(cluster),
        **_placement(cluster),
        "ComputeSpotPriceLimit": 0.034,
        "ComputeSpotStrategy": "NoSpot",
        "Count": len(computes),
        "InstanceChargeType": "PostPaid",
        "InstanceType": "ecs.c5.large",
        "LoginNodes": json.dumps(login_nodes),
        "NodePrefix": "compute",
        "NodeSuffix": "",
        "Managers": _counters(_nodes(cluster, "Manager")),
        "Computes": _counters(computes),
        "TotalResources": total,
        "UsedResources": {"Cpu": 0, "Gpu": 0, "Memory": 0},
    }


def cluster_info(cluster: Cluster) -> dict[str, Any]:
    info = {
        **_basics(cluster),
        **_placement(cluster),
        **_purchase(),
        **_storage(cluster),
        **_software(cluster),
        "ClusterVersion": "1.0" if cluster.generation == V1 else "2.0",
        "EcsInfo": _ecs_info(cluster),
        "SecurityGroupId": "sg-EXAMPLE",
        "KeyPairName": "example-key-pair",
        "RamRoleName": "AliyunEHPCDefaultRole",
        "RamNodeTypes": '["manager", "compute"]',
        "PostInstallScripts": {"PostInstallScriptInfo": post_scripts(cluster)},
        "Nodes": {"NodesInfo": [_on_premise_node(cluster, node) for node in _on_premise(cluster)]},
    }
    if cluster.location == "OnPremise":
        info |= {"Domain": cluster.account_type, "OpenldapPar": cluster.openldap_par, "WinAdPar": cluster.win_ad_par}
    if cluster.proxy_mode:
        managers = [node for node in _on_premise(cluster) if node.role == "Manager"]
        info["OnPremiseInfo"] = {"OnPremiseInfo": [_on_premise_manager(node) for node in managers]}
    return {**info, **cluster.details}


def _purchase() -> dict[str, Any]:
    return {
        "AutoRenew": "false",
        "AutoRenewPeriod": "1",
        "ComputeSpotPriceLimit": "0.034",
        "ComputeSpotStrategy": "NoSpot",
        "EcsChargeType": "PostPaid",
        "Period": "1",
        "PeriodUnit": "Month",
    }


def _storage(cluster: Cluster) -> dict[str, Any]:
    return {
        "RemoteDirectory": "/",
        "VolumeId": "nas-EXAMPLE",
        "VolumeMountpoint": f"nas-EXAMPLE.{cluster.region}.nas.aliyuncs.com",
        "VolumeProtocol": "nfs",
        "VolumeType": "NAS",
    }


def _software(cluster: Cluster) -> dict[str, Any]:
    port = 10000
    return {
        "AddOnsInfo": {
            "AddOnsInfo": [
                {
                    "DeployMode": "local",
                    "Port": port,
                    "SoftwareId": "CROMWELL_85",
                    "Status": "running",
                    "URL": f"http://192.0.2.12:{port}/",
                }
            ]
        },
        "Applications": {"ApplicationInfo": [{"Name": "openmpi", "Tag": "OpenMPI_1.8.7", "Version": "1.8.7"}]},
        "HaEnable": cluster.deploy_mode == "Advanced",
        "ImageName": "example-image",
        "InitialImage": {**COMMON_IMAGE, "OsTag": OS_TAG},
        "Plugin": '{"pluginMod":"image","pluginLocalPath":"/opt/plugin"}',
        "SccClusterId": "00b648bEXAMPLE",
        "SchedulerPreInstall": 0,
        "SchedulerVersion": "18.1.1",
        "WithoutAgent": 0,
    }


def _ecs_info(cluster: Cluster) -> dict[str, Any]:
    info = {role: _ecs(_cloud(cluster, role)) for role in ("Manager", "Compute", "Login")}
    if cluster.proxy_mode:
        # In proxy mode the cloud's own manager is the proxy; the other managers stay on-premises.
        info["ProxyMgr"] = {**info["Manager"], "Count": max(1, info["Manager"]["Count"])}
    return info


def _ecs(nodes: list[Node]) -> dict[str, Any]:
    return {"Count": len(nodes), "InstanceType": nodes[0].instance_type if nodes else "ecs.c5.large"}


def _nodes(cluster: Cluster, role: str) -> list[Node]:
    return [node for node in cluster.nodes if node.role == role]


def _cloud(cluster: Cluster, role: str) -> list[Node]:
    return [node for node in _nodes(cluster, role) if node.location == "PublicCloud"]


def _on_premise(cluster: Cluster) -> list[Node]:
    return [node for node in cluster.nodes if node.location == "OnPremise"]


def _on_premise_node(cluster: Cluster, node: Node) -> dict[str, Any]:
    return {
        "Role": node.role,
        "HostName": node.host_name,
        "IpAddress": node.ip_address,
        "AccountType": cluster.account_type,
        "Dir": f"/opt/{cluster.scheduler_type}",
        "SchedulerType": cluster.scheduler_type,
    }


def _on_premise_manager(node: Node) -> dict[str, Any]:
    names = sorted(role.lower() for role in node.roles if role in ("Account", "Scheduler"))
    return {"Type": ", ".join(names), "HostName": node.host_name, "IP": node.ip_address}


def _counters(nodes: list[Node]) -> dict[str, int]:
    statuses = [node.status for node in nodes]
    normal, exception, stopped = (statuses.count(status) for status in ("running", "exception", "stopped"))
    return {
        "Total": len(nodes),
        "NormalCount": normal,
        "ExceptionCount": exception,
        "StoppedCount": stopped,
        "OperatingCount": len(nodes) - normal - exception - stopped,
    }


def post_scripts(cluster: Cluster) -> list[dict[str, str]]:
    return [{"Url": script["url"], "Args": script["args"]} for script in cluster.post_scripts]


def user_info(user: User) -> dict[str, Any]:
    return {"Name": user.name, "Group": user.group, "AddTime": user.add_time}


def user_info_with_ids(user: User) -> dict[str, Any]:
    """As ListUsersAsync shows a user; unlike in ListUsers the time has a zone."""
    group_id = {"wheel": "10", "users": "100"}.get(user.group, "1000")
    return {"Name": user.name, "Group": user.group, "AddTime": f"{user.add_time}.000Z", "UserId": str(user.uid), "GroupId": group_id}


def invocation_result(command: Command, record: Record) -> dict[str, Any]:
    return {
        "CommandId": command.id,
        "InstanceId": record.instance_id,
        "InvokeRecordStatus": record.status,
        "Success": record.status == "Finished" and record.exit_code == 0,
        "ExitCode": record.exit_code,
        "Message": record.message,
        "FinishedTime": record.finished_time,
    }


def node_info(cluster: Cluster, node: Node) -> dict[str, Any]:
    return {
        "Id": node.id,
        "HostName": node.host_name,
        "Roles": {"Role": node.roles},
        "Status": node.status,
        "StateInSched": node.state_in_sched,
        "Location": node.location,
        "IpAddress": node.ip_address,
        "PublicIpAddress": node.public_ip_address,
        "RegionId": cluster.region,
        "ZoneId": f"{cluster.region}-b",
        **NETWORK,
        **COMMON_IMAGE,
        "InstanceType": node.instance_type,
        "AddTime": node.add_time,
        "CreateMode": "manual",
        "CreatedByEhpc": node.location == "PublicCloud",
        "Expired": False,
        "ExpiredTime": "2099-12-31T15:59:59.000Z",
        "HtEnabled": True,
        "LockReason": "",
        "SpotStrategy": "NoSpot",
        "Version": "1.0.64",
        "TotalResources": {"Cpu": CPU, "Gpu": 0, "Memory": MEMORY},
        "UsedResources": {"Cpu": 0, "Gpu": 0, "Memory": 0},
    }
