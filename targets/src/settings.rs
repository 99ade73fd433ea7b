//! Settings of a target by name: one row a setting says what it is called, what it means, what it may be, and where it
//! lies. Parsing, listing, the plan and the command line are made from the rows.

use crate::options::{SettingInfo, Settings, TargetError};

/// A row: a setting, and where it lies in the configuration of a target.
pub(crate) struct Row<C> {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) range: std::ops::RangeInclusive<u64>,
    pub(crate) get: fn(&C) -> u64,
    pub(crate) set: fn(&mut C, u64),
}

impl<C> Row<C> {
    /// The row for people; `usual` is the configuration where nobody says anything.
    pub(crate) fn info(&self, usual: &C) -> SettingInfo {
        SettingInfo {
            name: self.name,
            about: self.about,
            least: *self.range.start(),
            most: *self.range.end(),
            default: (self.get)(usual),
        }
    }
}

/// Sets what was set. Names and ranges were checked by [`check`].
pub(crate) fn apply<C>(rows: &[Row<C>], settings: &Settings, config: &mut C) {
    for row in rows {
        if let Some(value) = settings.get(row.name) {
            (row.set)(config, *value);
        }
    }
}

/// Refuses names that the target does not have, and numbers that are out of range.
pub(crate) fn check(
    target: &str,
    infos: &[SettingInfo],
    settings: &Settings,
) -> Result<(), TargetError> {
    for (name, value) in settings {
        let Some(info) = infos.iter().find(|info| info.name == name) else {
            return Err(TargetError::UnknownSetting {
                target: target.to_owned(),
                name: name.clone(),
                known: infos.iter().map(|info| info.name.to_owned()).collect(),
            });
        };
        if !(info.least..=info.most).contains(value) {
            return Err(TargetError::Settings {
                target: target.to_owned(),
                reason: format!("{name} is {} to {}, not {value}", info.least, info.most),
            });
        }
    }
    Ok(())
}
