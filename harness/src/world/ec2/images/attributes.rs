//! Images change: disabled and enabled, deprecated, protected, shared.

use std::time::Duration;

use super::{DeregistrationProtection, ImageState, LaunchPermission, World};
use crate::time::Time;
use crate::world::ec2::Ec2Change;
use crate::world::error::{ApiError, ApiResult};

/// EC2 User Guide (protect an AMI from deregistration).
const COOLDOWN: Duration = Duration::from_secs(24 * 60 * 60);
/// EC2 API Reference (EnableImageDeprecation): at most 10 years from now, in leap-year terms.
const DEPRECATION_AHEAD: Duration = Duration::from_secs(3653 * 24 * 60 * 60);
const MINUTE_MS: i64 = 60_000;

impl World {
    /// DisableImage. EC2 API Reference: nobody can launch it, and those it was shared with lose it for good.
    pub fn disable_image(&mut self, id: &str) -> ApiResult<()> {
        let image = self.own_image_mut(id)?;
        if image.state == ImageState::Disabled {
            return Ok(());
        }
        if image.state != ImageState::Available {
            return Err(incorrect_state(id, image.state));
        }
        image.state = ImageState::Disabled;
        image.launch_permissions.clear();
        self.note_change(id, Ec2Change::Image(ImageState::Disabled));
        self.emit_image_state(id, ImageState::Disabled, "");
        Ok(())
    }

    pub fn enable_image(&mut self, id: &str) -> ApiResult<()> {
        let image = self.own_image_mut(id)?;
        if image.state == ImageState::Available {
            return Ok(());
        }
        if image.state != ImageState::Disabled {
            return Err(incorrect_state(id, image.state));
        }
        self.make_available(id);
        Ok(())
    }

    /// EnableImageDeprecation. EC2 API Reference: not in the past; seconds are rounded to the nearest minute.
    pub fn enable_image_deprecation(&mut self, id: &str, from: Time) -> ApiResult<()> {
        let now = self.now;
        let image = self.own_image_mut(id)?;
        if from < now || now + DEPRECATION_AHEAD < from {
            let text = format!("DeprecateAt {from} must not be in the past, and at most 10 years ahead.");
            return Err(ApiError::new("InvalidParameterValue", text));
        }
        let from = Time((from.0 + MINUTE_MS / 2).div_euclid(MINUTE_MS) * MINUTE_MS);
        image.deprecated_from = Some(from);
        self.note_change(id, Ec2Change::DeprecatedFrom(from));
        Ok(())
    }

    pub fn disable_image_deprecation(&mut self, id: &str) -> ApiResult<()> {
        self.own_image_mut(id)?.deprecated_from = None;
        self.note_change(id, Ec2Change::NotDeprecated);
        Ok(())
    }

    pub fn enable_image_deregistration_protection(&mut self, id: &str, with_cooldown: bool) -> ApiResult<()> {
        self.own_image_mut(id)?.protection = DeregistrationProtection::Enabled { with_cooldown };
        self.note_change(id, Ec2Change::Protected);
        Ok(())
    }

    /// DisableImageDeregistrationProtection: the protection afterwards, which with a cooldown lasts another 24 hours.
    pub fn disable_image_deregistration_protection(&mut self, id: &str) -> ApiResult<DeregistrationProtection> {
        let until = self.now + COOLDOWN;
        let image = self.own_image_mut(id)?;
        image.protection = match image.protection {
            DeregistrationProtection::Enabled { with_cooldown: true } => {
                DeregistrationProtection::CoolingDown { until }
            }
            DeregistrationProtection::Enabled { with_cooldown: false } => DeregistrationProtection::Disabled,
            unchanged => unchanged,
        };
        let protection = image.protection;
        self.note_change(id, Ec2Change::ProtectionDisabled);
        Ok(protection)
    }

    /// ModifyImageAttribute, of `launchPermission`. A disabled image cannot be shared.
    pub fn modify_launch_permissions(
        &mut self,
        id: &str,
        add: &[LaunchPermission],
        remove: &[LaunchPermission],
    ) -> ApiResult<()> {
        let image = self.own_image_mut(id)?;
        if image.state != ImageState::Available && !add.is_empty() {
            return Err(incorrect_state(id, image.state));
        }
        image.launch_permissions.extend(add.iter().cloned());
        for permission in remove {
            image.launch_permissions.remove(permission);
        }
        self.note_change(id, Ec2Change::LaunchPermissionsChanged);
        Ok(())
    }

    /// ModifyImageAttribute, of `description`.
    pub fn describe_image_as(&mut self, id: &str, description: &str) -> ApiResult<()> {
        self.own_image_mut(id)?.description = Some(description.to_owned());
        self.note_change(id, Ec2Change::Described);
        Ok(())
    }
}

fn incorrect_state(id: &str, state: ImageState) -> ApiError {
    // AWS's own code for this is not known to us.
    ApiError::new("IncorrectState", format!("The image {id} is in the state {}.", state.name()))
}
