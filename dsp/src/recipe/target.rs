//! What the level of the main aims at: one number, or a rule that finds it. Never here: the search.

use serde::{Deserialize, Deserializer, Serialize};

use super::limits::{clean, clean_default, cost, cost_default};

/// A target that is not one number. With neither a range nor penalties it is: as loud as it stays clean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetTable {
    /// Lowest and highest LUFS: within it, as loud as it stays clean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_lufs: Option<[f64; 2]>,
    /// Pairs of LUFS, rising, and a cost; between them straight lines. The loudness with the least cost is chosen, limiting included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<Vec<[f64; 2]>>,
    /// What each decibel by which the loudest peak is pushed down adds to the penalty.
    #[serde(default = "cost_default", deserialize_with = "cost")]
    pub limiting_cost_per_db: f64,
    /// The loudest peak is pushed down by no more than this: what "clean" means here.
    #[serde(default = "clean_default", deserialize_with = "clean")]
    pub clean_reduction_db: f64,
}

/// What the level of the main aims at.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    Lufs(f64),
    /// As loud as it is with the loudest peak pushed down by this.
    Clean {
        reduction_db: f64,
    },
    /// As `Clean`, but never outside these.
    Range {
        low_lufs: f64,
        high_lufs: f64,
        reduction_db: f64,
    },
    /// At least one point, LUFS rising.
    Penalty {
        points: Vec<[f64; 2]>,
        cost_per_db: f64,
    },
}

const LUFS_LIMITS: std::ops::RangeInclusive<f64> = -40.0..=-4.0;
const PENALTY_POINTS_MAX: usize = 64;

pub(super) fn target_table<'de, D: Deserializer<'de>>(d: D) -> Result<Option<TargetTable>, D::Error> {
    let table = TargetTable::deserialize(d)?;
    table.check().map_err(serde::de::Error::custom)?;
    Ok(Some(table))
}

impl TargetTable {
    pub(super) fn target(&self) -> Target {
        match (&self.range_lufs, &self.penalty) {
            (Some([low_lufs, high_lufs]), _) => Target::Range {
                low_lufs: *low_lufs,
                high_lufs: *high_lufs,
                reduction_db: self.clean_reduction_db,
            },
            (None, Some(points)) => {
                Target::Penalty { points: points.clone(), cost_per_db: self.limiting_cost_per_db }
            }
            (None, None) => Target::Clean { reduction_db: self.clean_reduction_db },
        }
    }

    fn check(&self) -> Result<(), String> {
        let outside = |lufs: f64| !LUFS_LIMITS.contains(&lufs);
        match (&self.range_lufs, &self.penalty) {
            (Some(_), Some(_)) => Err("a target has a range or penalties, not both".into()),
            (Some([low, high]), None) if outside(*low) || outside(*high) || low > high => {
                Err(format!("{low} to {high} is not a range within -40 to -4 LUFS"))
            }
            (None, Some(points)) if points.is_empty() || points.len() > PENALTY_POINTS_MAX => {
                Err(format!("a table of penalties has 1 to {PENALTY_POINTS_MAX} points"))
            }
            (None, Some(points)) => {
                if let Some([lufs, cost]) =
                    points.iter().find(|[lufs, cost]| outside(*lufs) || !(0.0..=1000.0).contains(cost))
                {
                    return Err(format!(
                        "the point {lufs}, {cost} is outside -40 to -4 LUFS and costs of 0 to 1000"
                    ));
                }
                if points.windows(2).any(|p| p[0][0] >= p[1][0]) {
                    return Err("the points of a penalty table rise in LUFS".into());
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
