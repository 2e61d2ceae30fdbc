//! What Ray says about a job that ended, and about the trial that it was for.

use std::ops::RangeInclusive;

use crate::fetch::RayJob;
use crate::project::Trial;
use crate::words::one_line;

/// The name of the trial in what is said about a job.
pub(super) const TRIAL: &str = "hone_trial";
/// The name of the study there.
pub(super) const STUDY: &str = "hone_study";
/// Exit codes of a program that ended by itself. Higher ones, and negative ones, are those of a signal.
const OWN_ENDS: RangeInclusive<i32> = 1..=127;
/// Why a job that found no node in time failed, in Ray's word.
const NO_NODE: &str = "JOB_SUPERVISOR_ACTOR_START_TIMEOUT";
/// Most characters of what Ray says about a job.
const MOST_SAID: usize = 200;

/// The trial that a job was submitted for.
pub(super) fn trial_of(job: &RayJob) -> Option<Trial> {
    serde_json::from_str(job.metadata.as_ref()?.get(TRIAL)?).ok()
}

/// Whether its program ended by itself, with an error.
pub(super) fn ended_by_itself(job: &RayJob) -> bool {
    job.driver_exit_code.is_some_and(|code| OWN_ENDS.contains(&code))
}

/// Whether it never ran, because no node had room for it in time.
pub(super) fn found_no_node(job: &RayJob) -> bool {
    job.error_type.as_deref() == Some(NO_NODE)
}

/// Why it ended without a result, as far as Ray knows.
pub(super) fn reason_of(job: &RayJob) -> String {
    match (&job.message, job.driver_exit_code) {
        _ if found_no_node(job) => "no node had room for it in time".to_owned(),
        (_, Some(code)) if code != 0 => format!("its program was killed, exit code {code}"),
        (_, Some(_)) => "its log is gone".to_owned(),
        (Some(message), None) => {
            // Its other lines name processes.
            let first = message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            one_line(first.trim(), MOST_SAID).trim_end_matches('.').to_owned()
        }
        (None, None) => "Ray does not say why".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::RowsUsed;

    fn job(answer: &str) -> RayJob {
        serde_json::from_str(answer).unwrap()
    }

    #[test]
    fn a_lost_worker_is_told_from_a_program_that_failed() {
        let died = job(
            r#"{"status": "FAILED", "message": "Job supervisor actor died: The node was lost.\nMore.", "error_type":
            "JOB_SUPERVISOR_ACTOR_DIED", "driver_exit_code": null}"#,
        );
        assert!(!ended_by_itself(&died) && !found_no_node(&died));
        assert_eq!(reason_of(&died), "Job supervisor actor died: The node was lost");
        let failed = |code: i32| job(&format!(r#"{{"status": "FAILED", "driver_exit_code": {code}}}"#));
        assert!(ended_by_itself(&failed(1)) && ended_by_itself(&failed(127)));
        assert!(!ended_by_itself(&failed(-9)) && !ended_by_itself(&failed(137)));
        assert_eq!(reason_of(&failed(137)), "its program was killed, exit code 137");
        assert_eq!(reason_of(&job(r#"{"status": "SUCCEEDED", "driver_exit_code": 0}"#)), "its log is gone");
        assert_eq!(reason_of(&job(r#"{"status": "FAILED"}"#)), "Ray does not say why");
        let waited = job(r#"{"status": "FAILED", "message": "m", "error_type": "JOB_SUPERVISOR_ACTOR_START_TIMEOUT"}"#);
        assert!(found_no_node(&waited));
        assert_eq!(reason_of(&waited), "no node had room for it in time");
    }

    #[test]
    fn a_job_knows_its_trial() {
        let trial = Trial { number: 4, rows: RowsUsed::WithoutTest, settings: vec!["lr=1e-4".to_owned()] };
        let mut job = job(r#"{"status": "RUNNING"}"#);
        assert_eq!(trial_of(&job), None);
        job.metadata = Some([(TRIAL.to_owned(), serde_json::to_string(&trial).unwrap())].into());
        assert_eq!(trial_of(&job), Some(trial));
    }
}
