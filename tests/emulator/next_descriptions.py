# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters, nodes and users in the fields that E-HPC NEXT documents for them."""

from __future__ import annotations

from typing import Any

from .descriptions import CPU, NETWORK, user_info_with_ids
from .state import NEXT, Cluster, Node, State, User

EHPC_VERSIONS = {"1.0": "1.0.0", NEXT: "2.0.0"}


def _basics(state: State, cluster: Cluster) -> dict[str, Any]:
    """What GetCluster and ListClusters have in common."""
    return {
        "ClusterId": cluster.id,
        "ClusterName": cluster.settings["ClusterName"],
        "ClusterCategory": "Standard",
        "ClusterMode": cluster.mode,
        "ClusterStatus": cluster.current_status(),
        "ClusterCreateTime": cluster.create_time,
        "ClusterModifyTime": cluster.create_time,
        "ClusterVpcId": NETWORK["VpcId"],
        "ClusterVSwitchId": NETWORK["VSwitchId"],
        "SecurityGroupId": "sg-EXAMPLE",
        "ResourceGroupId": "rg-EXAMPLE",
        "EhpcVersion": EHPC_VERSIONS[cluster.generation],
        "ClusterCustomConfiguration": _script(state, cluster),
    }


def _script(state: State, cluster: Cluster) -> dict[str, str]:
    script = dict(cluster.settings["ClusterCustomConfiguration"])
    if not script.get("Args") and state.next.empty_args == "absent":
        script.pop("Args", None)
    return script


def cluster_info(state: State, cluster: Cluster) -> dict[str, Any]:
    settings = cluster.settings
    node = next((node for node in cluster.nodes if node.role == "Manager"), None)
    return {
        **_basics(state, cluster),
        "ClientVersion": settings["ClientVersion"],
        "DeleteProtection": str(settings["DeletionProtection"]).lower(),
        "MaxCount": str(settings["MaxCount"]),
        "MaxCoreCount": str(settings["MaxCoreCount"]),
        **{name: settings[name] for name in ("GrowInterval", "IdleInterval", "EnableScaleOut", "EnableScaleIn", "MonitorSpec")},
        "SchedulerSpec": {**settings["SchedulerSpec"], "EnablePowerSaving": settings["EnablePowerSaving"]},
        "Manager": {**_services(state, cluster, {"Status": "running"}), "ManagerNode": _manager_node(node)},
        **cluster.details,
    }


def _services(state: State, cluster: Cluster, more: dict[str, str]) -> dict[str, Any]:
    scheduler = cluster.scheduler_type.upper()
    if state.next.scheduler == "live" and scheduler == "SLURM":
        scheduler = "slurm22"
    account = {"Type": cluster.account_type, "Version": "1.0", **more}
    return {"Scheduler": {"Type": scheduler, "Version": "22.05.8", **more}, "DNS": account, "DirectoryService": account}


def _manager_node(node: Node | None) -> dict[str, Any]:
    return {
        "AutoRenew": False,
        "AutoRenewPeriod": 1,
        "Duration": 1,
        "EnableHt": True,
        "ExpiredTime": "2099-12-31T15:59:59.000Z",
        "ImageId": "aliyun_3_x64_20G_alibase_20240528.vhd",
        "InstanceChargeType": "PostPaid",
        "InstanceId": node.id if node else "",
        "InstanceType": node.instance_type if node else "",
        "Period": 1,
        "PeriodUnit": "Month",
        "SpotPriceLimit": 0.034,
        "SpotStrategy": "NoSpot",
        "SystemDisk": {"Category": "cloud_essd", "Level": "PL0", "Size": 40},
    }


def cluster_in_list(state: State, cluster: Cluster) -> dict[str, Any]:
    settings, statuses = cluster.settings, [node.status for node in cluster.nodes if node.role == "Compute"]
    running, exception = statuses.count("running"), statuses.count("exception")
    groups = [user.group for user in cluster.users.values()]
    return {
        **_basics(state, cluster),
        "ClusterDescription": settings["ClusterDescription"],
        "DeletionProtection": settings["DeletionProtection"],
        "MaxCount": settings["MaxCount"],
        "MaxCoreCount": settings["MaxCoreCount"],
        "ClusterUsedCoreTime": 0.5,
        "ClusterCredentials": ["password"],
        "Manager": _services(state, cluster, {}),
        "Nodes": {"RunningCounts": running, "AbnormalCounts": exception, "CreatingCounts": len(statuses) - running - exception},
        "Users": {"NormalCounts": groups.count("users"), "SudoCounts": groups.count("wheel")},
        "AdditionalPackages": [{"Name": "mpich-aocc", "Version": "4.0.3"}],
        "Addons": [_addon(cluster)],
    }


def _addon(cluster: Cluster) -> dict[str, Any]:
    return {
        "AddonId": "Login-1.0-EXAMPLE",
        "Name": "Login",
        "Version": "1.0",
        "Label": "Login node",
        "Description": "Remote access",
        "Status": "running",
        "ResourcesSpec": {"EcsInstanceId": f"i-{cluster.id}-login000", "EipInstanceId": "eip-EXAMPLE"},
        "ServicesSpec": [{"ServiceName": "SSH", "ServiceAccessType": "IP", "ServiceAccessUrl": "ssh://192.0.2.12:22"}],
    }


def node_info(cluster: Cluster, node: Node) -> dict[str, Any]:
    return {
        "Id": node.id,
        "Hostname": node.host_name,
        "IpAddress": node.ip_address,
        "PublicIpAddress": node.public_ip_address,
        "Status": node.status,
        "StateInSched": node.state_in_sched,
        "QueueName": "comp",
        "ImageId": "aliyun_3_x64_20G_alibase_20240528.vhd",
        "InstanceType": node.instance_type,
        "SpotStrategy": "NoSpot",
        "AddTime": node.add_time,
        "ExpiredTime": "2099-12-31T15:59:59.000Z",
        "HtEnabled": True,
        "KeepAlive": False,
        "Reason": "",
        "DeploymentSetId": "",
        "TotalResources": {"Cpu": CPU, "Gpu": 0, "Memory": 8},
        **NETWORK,
        "ZoneId": f"{cluster.region}-b",
    }


def user_info(state: State, user: User) -> dict[str, Any]:
    info = user_info_with_ids(user)
    ids = {name: int(info[name]) if state.next.ids == "numbers" else info[name] for name in ("UserId", "GroupId")}
    return {"UserName": user.name, "Group": user.group, "AddTime": user.add_time, **ids}
