# The image of a node, for Packer: just bake. The instance that it launches runs the same bundle as the Image Builder pipeline
# (builder.yaml) does, and ends with the same self-check.

variable "bundle" {
  type        = string
  description = "What infra/image/bundle.sh has packed, of the image's architecture."
}

variable "architecture" {
  type        = string
  default     = "x86_64"
  description = "x86_64 or arm64."
}

variable "image_parameter" {
  type        = string
  default     = "/durin/image"
  description = "The SSM parameter whose next candidate the image is."
}

variable "k3s_version" {
  type        = string
  default     = ""
  description = "Which k3s the bundle has, by its versions.sh, for the image's tag."
}

variable "region" {
  type    = string
  default = null
}

variable "instance_type" {
  type    = string
  default = "t3.medium"
}

variable "subnet_id" {
  type        = string
  default     = null
  description = "Where to bake; by default in the default VPC."
}

locals {
  tags = {
    # The tag by which the functions know the image, and its snapshots once the image is gone.
    "durin:image-parameter" = var.image_parameter
    # By which a roll-back knows that it would be one of k3s, too.
    "durin:k3s-version"     = var.k3s_version
    Name                    = "durin-node"
  }
}

source "amazon-ebs" "node" {
  region        = var.region
  subnet_id     = var.subnet_id
  instance_type = var.instance_type
  ami_name      = "durin-node-${var.architecture}-{{isotime \"2006-01-02-1504\"}}"

  source_ami_filter {
    filters = {
      name                = "al2023-ami-2023.*-kernel-*-${var.architecture}"
      virtualization-type = "hvm"
      root-device-type    = "ebs"
    }
    owners      = ["amazon"]
    most_recent = true
  }

  # Only from where Packer runs.
  ssh_username                              = "ec2-user"
  temporary_security_group_source_public_ip = true
  # Packer's key would open each instance of the image.
  ssh_clear_authorized_keys                 = true

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  # Instances of the image refuse the older metadata service too.
  imds_support = "v2.0"

  # Encrypted from the start. `encrypt_boot` would make a copy, and copies are not published.
  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_type           = "gp3"
    volume_size           = 8
    iops                  = 3000
    throughput            = 125
    encrypted             = true
    delete_on_termination = true
  }

  tags            = local.tags
  snapshot_tags   = local.tags
  run_tags        = { Name = "durin-bake" }
  run_volume_tags = { Name = "durin-bake" }
}

build {
  sources = ["source.amazon-ebs.node"]

  provisioner "file" {
    source      = var.bundle
    destination = "/tmp/durin.tar"
  }

  provisioner "shell" {
    inline = [
      "mkdir /tmp/durin",
      "tar -xf /tmp/durin.tar -C /tmp/durin",
      "sudo /tmp/durin/provision.sh --image",
      "rm -r /tmp/durin /tmp/durin.tar",
    ]
  }
}
