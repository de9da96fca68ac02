"""Lists: in pages, in AWS's order, spelled as AWS spells them."""

import pytest

TYPE_A = {"Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "10.0.0.1"}]}


@pytest.fixture
def zone(quick):
    created = quick.route53.create_hosted_zone(Name="Example.COM", CallerReference="pages")
    return created["HostedZone"]["Id"]


def upsert(route53, zone, *names):
    changes = [{"Action": "UPSERT", "ResourceRecordSet": {"Name": name, **TYPE_A}} for name in names]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def names_from(route53, zone, **start):
    listed = route53.list_resource_record_sets(HostedZoneId=zone, **start)["ResourceRecordSets"]
    return [record_set["Name"] for record_set in listed]


def test_record_sets_are_sorted_by_reversed_labels(quick, zone):
    upsert(quick.route53, zone, "z.a.example.com", "b.example.com", "a.z.example.com", "a.example.com")
    assert names_from(quick.route53, zone) == [
        "example.com.",  # NS
        "example.com.",  # SOA
        "a.example.com.",
        "z.a.example.com.",
        "b.example.com.",
        "a.z.example.com.",
    ]


def test_names_come_back_in_lower_case_with_a_dot_and_an_escaped_star(quick, zone):
    upsert(quick.route53, zone, "*.EXAMPLE.com", "Www.Example.Com.")
    assert names_from(quick.route53, zone)[2:] == ["\\052.example.com.", "www.example.com."]
    upsert(quick.route53, zone, "\\052.example.com")
    assert len(names_from(quick.route53, zone)) == 4


def test_the_name_to_start_from_is_a_lower_bound(quick, zone):
    upsert(quick.route53, zone, "a.example.com", "c.example.com")
    assert names_from(quick.route53, zone, StartRecordName="b.example.com")[0] == "c.example.com."
    assert names_from(quick.route53, zone, StartRecordName="a.example.com", StartRecordType="AAAA") == [
        "c.example.com."
    ]


def test_record_sets_come_in_pages(quick, zone):
    names = [f"n{number}.example.com" for number in range(5)]
    upsert(quick.route53, zone, *names)
    pages = quick.route53.get_paginator("list_resource_record_sets").paginate(
        HostedZoneId=zone, PaginationConfig={"PageSize": 2}
    )
    pages = [[record_set["Name"] for record_set in page["ResourceRecordSets"]] for page in pages]
    assert [len(page) for page in pages] == [2, 2, 2, 1]
    assert [name for page in pages for name in page][2:] == [f"{name}." for name in names]


def test_volumes_come_in_pages(quick):
    made = {quick.ec2.create_volume(AvailabilityZone="eu-central-1a", Size=1)["VolumeId"] for _ in range(11)}
    pages = list(quick.ec2.get_paginator("describe_volumes").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["Volumes"]) for page in pages] == [5, 5, 2]
    listed = [volume["VolumeId"] for page in pages for volume in page["Volumes"]]
    assert len(listed) == len(set(listed)) and made < set(listed)


def test_groups_come_in_pages(quick):
    for number in range(4):
        quick.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=f"g{number}",
            MinSize=0,
            MaxSize=0,
            AvailabilityZones=["eu-central-1a"],
            LaunchTemplate={"LaunchTemplateName": "k3s"},
        )
    pages = quick.autoscaling.get_paginator("describe_auto_scaling_groups").paginate(
        PaginationConfig={"PageSize": 2}
    )
    pages = [[group["AutoScalingGroupName"] for group in page["AutoScalingGroups"]] for page in pages]
    assert pages == [["g0", "g1"], ["g2", "g3"], ["k3s"]]


def test_parameters_come_in_pages(quick):
    for number in range(5):
        quick.ssm.put_parameter(Name=f"/pages/{number}", Value="x", Type="String")
    pages = quick.ssm.get_paginator("get_parameters_by_path").paginate(
        Path="/pages", PaginationConfig={"PageSize": 2}
    )
    assert [len(page["Parameters"]) for page in pages] == [2, 2, 1]


def test_parameters_are_listed_by_data_type_and_in_pages(quick):
    ssm = quick.ssm
    for number in range(60):
        ssm.put_parameter(Name=f"/many/{number:02}", Value="1", Type="String")
    named = {"Key": "Name", "Option": "BeginsWith", "Values": ["/many"]}
    pages = [
        page["Parameters"]
        for page in ssm.get_paginator("describe_parameters").paginate(ParameterFilters=[named])
    ]
    names = [parameter["Name"] for page in pages for parameter in page]
    # It filters after paging: the first page of 50 has another parameter, which is left out.
    assert [len(page) for page in pages] == [49, 11]
    assert names == [f"/many/{number:02}" for number in range(60)]
    images = [{"Key": "DataType", "Option": "Equals", "Values": ["aws:ec2:image"]}]
    found = ssm.describe_parameters(ParameterFilters=images)["Parameters"]
    assert [parameter["Name"] for parameter in found] == ["/durin/image"]


def test_a_history_comes_in_pages_oldest_first(quick):
    for number in range(7):
        quick.ssm.put_parameter(Name="/history", Value=str(number), Type="String", Overwrite=True)
    paginator = quick.ssm.get_paginator("get_parameter_history")
    pages = paginator.paginate(Name="/history", PaginationConfig={"PageSize": 3})
    values = [[version["Value"] for version in page["Parameters"]] for page in pages]
    assert values == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
