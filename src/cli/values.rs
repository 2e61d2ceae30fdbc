//! Reads the values of arguments as people type them.

use std::path::Path;

use crate::fetch::network_of;
use crate::project::{Project, SettingError, TaskKind, apply_settings};

/// The project in `folder` with settings given as `name=value`. As in the window, another model brings the presets of its kind, and
/// another choice of what is trained its usual learning rate, unless that is given too.
pub(super) fn with_settings(project: &Project, given: &[String], folder: &Path) -> Result<Project, SettingError> {
    let mut next = apply_settings(project, given)?;
    if next.model != project.model {
        // The presets of the other model, before what is given.
        let [from, to] = [project, &next].map(|project| network_of(&project.model, folder));
        let training = project.training.moved(next.task.kind(), from, to);
        let moved = Project { training, ..project.clone() };
        if moved.training != project.training {
            return with_settings(&Project { model: next.model, ..moved }, given, folder);
        }
    }
    let before = project.training.trained_layers;
    // A rate that is given does not depend on the one there was.
    let mut with_another = project.clone();
    with_another.training.optimizer.learning_rate /= 2.0;
    let rate = |project: &Project| project.training.optimizer.learning_rate.to_bits();
    let gives_a_rate = rate(&apply_settings(&with_another, given)?) == rate(&next);
    if next.training.trained_layers != before && !gives_a_rate {
        let of = (next.task.kind(), network_of(&next.model, folder));
        next.training = next.training.with_usual_rate(of, before);
    }
    Ok(next)
}

pub(super) fn task(keyword: &str) -> Result<TaskKind, String> {
    let known = || TaskKind::ALL.map(TaskKind::keyword).join(" or ");
    TaskKind::ALL.into_iter().find(|kind| kind.keyword() == keyword).ok_or_else(|| format!("use {}", known()))
}

pub(super) fn delimiter(text: &str) -> Result<char, String> {
    let named = match text {
        "comma" => Some(','),
        "semicolon" => Some(';'),
        "tab" | "\\t" => Some('\t'),
        "pipe" => Some('|'),
        _ => None,
    };
    let mut letters = text.chars();
    match (named, letters.next(), letters.next()) {
        (Some(named), ..) => Ok(named),
        (None, Some(letter), None) => Ok(letter),
        _ => Err("use one character, or comma, semicolon, tab, pipe".to_owned()),
    }
}

pub(super) fn share(text: &str) -> Result<f32, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "use a number from 0 to 1, such as 0.8".to_owned())
}

pub(super) fn temperature(text: &str) -> Result<f32, String> {
    let temperature = text.parse().ok().filter(|value: &f32| value.is_finite() && *value >= 0.0);
    temperature.ok_or_else(|| "use a number from 0, such as 0.8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_can_be_given_by_name_or_as_a_character() {
        assert_eq!(
            ["tab", "\\t", "\t", ";", "pipe"].map(|text| delimiter(text).unwrap()),
            ['\t', '\t', '\t', ';', '|']
        );
        assert!(delimiter("").is_err() && delimiter("ab").is_err());
    }

    #[test]
    fn what_is_trained_brings_its_usual_learning_rate_unless_one_is_given() {
        let rate = |given: &[&str]| {
            let given: Vec<String> = given.iter().map(|&setting| setting.to_owned()).collect();
            with_settings(&Project::default(), &given, Path::new("."))
                .unwrap()
                .training
                .optimizer
                .learning_rate
                .to_string()
        };
        let rates = [&["training.trained_layers=Lora"], &["training.trained_layers=Top(2)"], &["training.seed=1"]]
            .map(|given| rate(given));
        assert_eq!(rates, ["0.001", "0.0002", "0.00005"]);
        for name in ["lr", "training.lr", "training.optimizer.learning_rate"] {
            assert_eq!(rate(&["training.trained_layers=Lora", &format!("{name}=5e-5")]), "0.00005", "{name}");
        }
        assert!(with_settings(&Project::default(), &["no_such=1".to_owned()], Path::new(".")).is_err());
    }

    #[test]
    fn a_temperature_is_a_number_from_0() {
        assert_eq!(temperature("0.8"), Ok(0.8));
        assert!(["-1", "inf", "warm"].iter().all(|text| temperature(text).is_err()));
    }
}
