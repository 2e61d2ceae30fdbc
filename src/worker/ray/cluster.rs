//! A Ray cluster that answers, and how much of it a study may use.

use crate::fetch::RayCluster;
use crate::progress::Progress;
use crate::worker::{Context, JobError};

/// Where trials are trained, other than here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSettings {
    /// The address of the dashboard of a Ray cluster.
    pub address: String,
    /// Trials at a time; `None` for one on each node.
    pub parallel: Option<u32>,
}

/// A cluster that answers.
pub(in crate::worker) struct Cluster {
    pub(super) ray: RayCluster,
    pub(super) settings: ClusterSettings,
}

impl Cluster {
    /// The cluster of these settings, if it answers.
    pub fn connect(settings: ClusterSettings, context: &mut Context<'_>) -> Result<Self, JobError> {
        context.progress(Progress::stage("Asking the Ray cluster"));
        let ray = RayCluster::connect(&settings.address, context.control)?;
        Ok(Self { ray, settings })
    }
}
