//! Studies on a Ray cluster: each trial is a job, which runs this same program on a node of the cluster.
//!
//! Nothing is asked of the cluster but its job API. The project, its data, the model and the program travel as packages, once for a
//! study. A job trains its trial in a new folder, and prints what happens and, at the end, the files of the run; this process
//! reads what was printed, and writes the run into the study as if it had been trained here. The id of a job is that of the study,
//! the trial and the try, so a study that goes on finds the jobs that it began.

mod cluster;
mod ended_job;
mod follower;
mod message;
mod names;
mod node_trial;
mod package;
mod room;
mod sender;
mod study_jobs;
mod trouble;

pub use cluster::ClusterSettings;
pub use message::{TrialMessage, TrialTask};
pub use node_trial::RunTrial;

pub(super) use cluster::Cluster;
pub(super) use study_jobs::run_on_cluster;
