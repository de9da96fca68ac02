# A node of Durin's, as one of your groups. `just check-node home` says what it lacks once it is there; docs/own-group.md
# has each line's reason.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "subnet_ids" {
  description = "Subnets with IPv4, all in availability_zone."
  type        = list(string)
}

variable "availability_zone" {
  type = string
}

variable "security_group_id" {
  type = string
}

variable "hosted_zone_id" {
  description = "A private zone in which the functions may write: just deploy --hosted-zone Z…"
  type        = string
}

variable "image_id" {
  description = "The first image; Durin publishes later ones to the parameter."
  type        = string
}

locals {
  node   = "home"
  record = "home.example.internal"
}

resource "aws_ebs_volume" "data" {
  availability_zone = var.availability_zone
  size              = 20
  type              = "gp3"
  encrypted         = true

  tags = {
    "durin:volume" = "data"
    "durin:node"   = local.node
  }

  lifecycle {
    # All that the node is.
    prevent_destroy = true
  }
}

resource "aws_ssm_parameter" "image" {
  name      = "/durin/image"
  type      = "String"
  data_type = "aws:ec2:image"
  value     = var.image_id

  tags = {
    "durin:image-parameter" = "/durin/image"
  }

  lifecycle {
    # Durin publishes to it.
    ignore_changes = [value]
  }
}

resource "aws_iam_role" "node" {
  name = "durin-node-${local.node}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

# What the Systems Manager agent needs, as infra/node.yaml has it.
resource "aws_iam_role_policy" "agent" {
  role = aws_iam_role.node.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Resource = "*"
      Action = [
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
        "ec2messages:AcknowledgeMessage",
        "ec2messages:DeleteMessage",
        "ec2messages:FailMessage",
        "ec2messages:GetEndpoint",
        "ec2messages:GetMessages",
        "ec2messages:SendReply",
      ]
    }]
  })
}

resource "aws_iam_instance_profile" "node" {
  name = aws_iam_role.node.name
  role = aws_iam_role.node.name
}

resource "aws_launch_template" "node" {
  name                    = local.node
  image_id                = "resolve:ssm:${aws_ssm_parameter.image.name}"
  vpc_security_group_ids  = [var.security_group_id]
  disable_api_termination = false

  iam_instance_profile {
    arn = aws_iam_instance_profile.node.arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "enabled"
  }
}

resource "aws_autoscaling_group" "node" {
  name                = local.node
  min_size            = 1
  desired_capacity    = 1
  max_size            = 2
  vpc_zone_identifier = var.subnet_ids
  capacity_rebalance  = true
  # Nothing here waits for the first instance, which goes into service once it serves.
  wait_for_capacity_timeout = "0"

  mixed_instances_policy {
    instances_distribution {
      on_demand_base_capacity                  = 0
      on_demand_percentage_above_base_capacity = 0
      spot_allocation_strategy                 = "price-capacity-optimized"
    }

    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.node.id
        version            = "$Latest"
      }

      override {
        instance_type = "t3a.medium"
      }

      override {
        instance_type = "t3.medium"
      }
    }
  }

  # Not resources of their own: the first instance would be launched without them.
  initial_lifecycle_hook {
    name                 = "durin-launch"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_LAUNCHING"
    default_result       = "ABANDON"
    heartbeat_timeout    = 1800
  }

  initial_lifecycle_hook {
    name                 = "durin-terminate"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
    default_result       = "CONTINUE"
    heartbeat_timeout    = 900
  }

  tag {
    key                 = "durin:volume-id"
    value               = aws_ebs_volume.data.id
    propagate_at_launch = true
  }

  tag {
    key                 = "durin:hosted-zone-id"
    value               = var.hosted_zone_id
    propagate_at_launch = true
  }

  tag {
    key                 = "durin:record-name"
    value               = local.record
    propagate_at_launch = true
  }

  # Of a volume that is new, until the node has served.
  tag {
    key                 = "durin:new-volume"
    value               = aws_ebs_volume.data.id
    propagate_at_launch = true
  }

  lifecycle {
    # Durin asks for two while a host retires, and for one again.
    ignore_changes = [desired_capacity]
  }
}
