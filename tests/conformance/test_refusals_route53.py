"""What Route 53 refuses. A batch is refused as a whole, with all of its problems in one text."""

import pytest

from hand_off import RECORD, record_set
from refusals import refused


@pytest.fixture
def zone(quiet):
    return Zone(quiet.route53)


class Zone:
    """The hosted zone that there is."""

    def __init__(self, route53):
        self.route53 = route53
        self.id = route53.list_hosted_zones()["HostedZones"][0]["Id"]

    def change(self, *changes):
        changes = [{"Action": action, "ResourceRecordSet": record_set} for action, record_set in changes]
        self.route53.change_resource_record_sets(HostedZoneId=self.id, ChangeBatch={"Changes": changes})

    def records(self):
        return self.route53.list_resource_record_sets(HostedZoneId=self.id)["ResourceRecordSets"]


def test_a_batch_is_refused_as_a_whole(zone):
    before = zone.records()
    problems = (
        f"[Tried to delete resource record set [name='{RECORD}', type='A'] but the values provided do not "
        "match the current values, "
        f"Tried to create resource record set [name='{RECORD}', type='A'] but it already exists, "
        "Tried to delete resource record set [name='nobody.durin.internal.', type='A'] but it was not found]"
    )
    nobody = {**record_set("10.9.9.9"), "Name": "nobody.durin.internal"}
    added = {**record_set("10.9.9.9"), "Name": "added.durin.internal"}
    with refused("InvalidChangeBatch", problems):
        zone.change(
            ("UPSERT", added),
            ("DELETE", record_set("10.9.9.9")),
            ("CREATE", record_set("10.9.9.9")),
            ("DELETE", nobody),
        )
    assert zone.records() == before


def test_a_delete_needs_the_current_ttl(zone):
    [current] = [it for it in zone.records() if it["Name"] == RECORD]
    with refused("InvalidChangeBatch"):
        zone.change(("DELETE", {**current, "TTL": current["TTL"] + 1}))
    zone.change(("DELETE", current))


def test_a_record_set_needs_values(zone):
    text = (
        "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or "
        "TrafficPolicyInstanceId], but found none in Change with [Action=DELETE, Name=k3s.durin.internal., "
        "Type=A, SetIdentifier=null]"
    )
    with refused("InvalidInput", text):
        zone.change(("DELETE", {"Name": RECORD, "Type": "A"}))


def test_a_zone_does_not_take_names_of_others(zone):
    text = "[RRSet with DNS name elsewhere.example. is not permitted in zone durin.internal.]"
    with refused("InvalidChangeBatch", text):
        zone.change(("CREATE", {**record_set("10.9.9.9"), "Name": "elsewhere.example"}))


def test_what_does_not_exist_is_not_found(zone):
    with refused("NoSuchHostedZone", "No hosted zone found with ID: ZNOBODY", status=404):
        zone.route53.list_resource_record_sets(HostedZoneId="ZNOBODY")
    with refused("NoSuchHostedZone", "No hosted zone found with ID: ZNOBODY", status=404):
        zone.route53.get_hosted_zone(Id="/hostedzone/ZNOBODY")
    with refused("NoSuchChange", status=404):
        zone.route53.get_change(Id="CNOBODY")


def test_a_zone_with_records_is_not_deleted(zone):
    with refused("HostedZoneNotEmpty"):
        zone.route53.delete_hosted_zone(Id=zone.id)


def test_a_type_needs_a_name_to_start_from(zone):
    with refused("InvalidInput"):
        zone.route53.list_resource_record_sets(HostedZoneId=zone.id, StartRecordType="A")
