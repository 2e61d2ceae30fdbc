//! The range of each number in a project.

use crate::project::{EvaluateEvery, Project, Size, Task, TrainedLayers, TrainingSettings};

/// A setting is out of range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The setting {setting} cannot be {value}. {advice}")]
pub struct OutOfRange {
    /// The name of the setting, in plain words.
    pub setting: &'static str,
    /// Its value.
    pub value: String,
    /// The allowed values, as advice.
    pub advice: String,
}

impl Project {
    /// Checks that every number is in range.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        self.training.check()?;
        self.task.check()?;
        self.check_best_metric()?;
        self.check_what_is_trained()?;
        let (dataset, split) = (&self.dataset, &self.split);
        // A size is ignored if a separate file is given. Whether there are enough rows is checked once they are read.
        let own = |size: Size, has_file: bool| match size {
            Size::Share(share) if !has_file => share,
            _ => 0.0,
        };
        let validation = own(split.validation, dataset.validation.is_some());
        let test = own(split.test, dataset.test.is_some());
        let advice = "Use a share of the rows, such as 0.2 or 20%, or a number of rows, such as 500rows. The shares for \
                      validation and test must add up to less than 1.";
        let is_share = |share: f64| (0.0..1.0).contains(&share);
        first(&[
            (is_share(validation), "validation share", split.validation.to_string(), advice),
            (is_share(test) && validation + test < 1.0, "test share", split.test.to_string(), advice),
        ])
    }
}

impl Project {
    /// That the task has something to train in what is chosen.
    fn check_what_is_trained(&self) -> Result<(), OutOfRange> {
        let trained = self.training.trained_layers;
        let words = self.language_modelling().map_or(0, |settings| settings.new_words.len());
        first(&[
            (
                self.classification().is_some() || trained != TrainedLayers::Instant,
                "trained layers",
                "Instant".to_owned(),
                "Instant learns labels, and this project has none. Train all layers, the top ones, or an adapter.",
            ),
            (
                words == 0 || trained == TrainedLayers::All,
                "trained layers",
                format!("{trained:?}"),
                "Only training all layers trains the new words. Train all layers, or remove the new words.",
            ),
        ])
    }

    fn check_best_metric(&self) -> Result<(), OutOfRange> {
        let (metric, metrics) = (self.best_metric(), self.task.metrics());
        let names: Vec<&str> = metrics.iter().map(|metric| metric.in_a_sentence()).collect();
        let advice = format!("Choose one of: {}.", names.join(", "));
        first(&[(metrics.contains(&metric), "best metric", metric.in_a_sentence().to_owned(), advice.as_str())])
    }
}

impl Task {
    /// Checks that every number of the task's own settings is in range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        match self {
            Self::TextClassification(settings) => first(&[(
                (0.0..1.0).contains(&settings.label_smoothing),
                "label smoothing",
                settings.label_smoothing.to_string(),
                "Use 0 or more, and less than 1.",
            )]),
            Self::LanguageModelling(settings) => first(&[(
                settings.masked_share > 0.0 && settings.masked_share < 1.0,
                "masked share",
                settings.masked_share.to_string(),
                "Use a share of the words between 0 and 1; 0.15 is usual.",
            )]),
        }
    }
}

impl TrainingSettings {
    /// Checks that every hyperparameter is in range.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let optimizer = &self.optimizer;
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let not_negative = |value: f64| value.is_finite() && value >= 0.0;
        let below_one = |value: f64| (0.0..1.0).contains(&value);
        let accumulation = self.gradient_accumulation;
        let delta = self.early_stopping.as_ref().map_or(0.0, |stopping| stopping.min_delta);
        let (beta1, beta2) = (optimizer.beta1, optimizer.beta2);
        first(&[
            (self.epochs > 0, "epochs", self.epochs.to_string(), "Use at least 1."),
            (self.batch_size > 0, "batch size", self.batch_size.to_string(), "Use at least 1; 16 or 32 is usual."),
            (
                self.batch_tokens.is_none_or(|tokens| tokens > 0),
                "tokens in a batch",
                self.batch_tokens.unwrap_or_default().to_string(),
                "Use at least 1; 1024 to 8192 is usual, and none turns it off.",
            ),
            (self.max_length >= 3, "max length", self.max_length.to_string(), "Use at least 3 tokens."),
            (accumulation > 0, "gradient accumulation", accumulation.to_string(), "Use at least 1; 1 turns it off."),
            (
                positive(optimizer.learning_rate),
                "learning rate",
                optimizer.learning_rate.to_string(),
                "Use a number above 0; 2e-5 to 1e-4 is usual.",
            ),
            (
                not_negative(optimizer.weight_decay),
                "weight decay",
                optimizer.weight_decay.to_string(),
                "Use 0 or more; 0.01 is usual.",
            ),
            (below_one(beta1), "beta 1", beta1.to_string(), "Use 0 or more, and less than 1; 0.9 is usual."),
            (below_one(beta2), "beta 2", beta2.to_string(), "Use 0 or more, and less than 1; 0.999 is usual."),
            (
                positive(optimizer.epsilon),
                "epsilon",
                optimizer.epsilon.to_string(),
                "Use a number above 0; 1e-8 is usual.",
            ),
            (
                not_negative(optimizer.max_grad_norm),
                "gradient clipping",
                optimizer.max_grad_norm.to_string(),
                "Use 0 or more; 1 is usual, and 0 turns it off.",
            ),
            (
                (0.0..=1.0).contains(&self.warmup),
                "warm-up",
                self.warmup.to_string(),
                "Use a share of the steps, 0 to 1; 0.1 is usual.",
            ),
            (
                self.dropout.is_none_or(below_one),
                "dropout",
                self.dropout.unwrap_or_default().to_string(),
                "Use 0 or more, and less than 1; 0.1 is usual.",
            ),
            (
                self.trained_layers != TrainedLayers::Top(0),
                "top layers",
                "0".to_owned(),
                "Use at least 1, or train only the head.",
            ),
            (self.lora.rank > 0, "rank of the adapter", self.lora.rank.to_string(), "Use at least 1; 8 is usual."),
            (
                positive(self.lora.alpha),
                "alpha of the adapter",
                self.lora.alpha.to_string(),
                "Use a number above 0; once or twice the rank is usual.",
            ),
            (
                below_one(self.lora.dropout),
                "dropout of the adapter",
                self.lora.dropout.to_string(),
                "Use 0 or more, and less than 1; 0.05 is usual.",
            ),
            (not_negative(delta), "smallest improvement", delta.to_string(), "Use 0 or more."),
            (
                self.evaluate_every != EvaluateEvery::Steps(0),
                "steps between evaluations",
                "0".to_owned(),
                "Use at least 1, or evaluate after each epoch.",
            ),
        ])
    }
}

/// The first check that fails. Each check is (whether it holds, setting, value, advice).
fn first(checks: &[(bool, &'static str, String, &str)]) -> Result<(), OutOfRange> {
    match checks.iter().find(|(holds, ..)| !holds) {
        Some((_, setting, value, advice)) => {
            Err(OutOfRange { setting, value: value.clone(), advice: (*advice).to_owned() })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{EarlyStopping, MetricName, TaskKind};

    #[test]
    fn what_cannot_be_trained_together_is_refused_with_what_to_do() {
        let mut adapting = Project::new(TaskKind::LanguageModelling);
        adapting.training.trained_layers = TrainedLayers::Instant;
        let error = adapting.check().unwrap_err().to_string();
        assert!(error.contains("cannot be Instant") && error.contains("an adapter"), "{error}");
        adapting.training.trained_layers = TrainedLayers::Lora;
        assert!(adapting.check().is_ok());
        adapting.language_modelling_mut().unwrap().new_words = vec!["lien".to_owned()];
        let error = adapting.check().unwrap_err().to_string();
        assert!(error.contains("cannot be Lora") && error.contains("remove the new words"), "{error}");
        adapting.training.trained_layers = TrainedLayers::All;
        assert!(adapting.check().is_ok());
    }

    #[test]
    fn each_hyperparameter_out_of_range_is_named() {
        type Change = fn(&mut TrainingSettings);
        let cases: [(&str, Change); 21] = [
            ("epochs", |s| s.epochs = 0),
            ("batch size", |s| s.batch_size = 0),
            ("tokens in a batch", |s| s.batch_tokens = Some(0)),
            ("max length", |s| s.max_length = 2),
            ("gradient accumulation", |s| s.gradient_accumulation = 0),
            ("learning rate", |s| s.optimizer.learning_rate = 0.0),
            ("learning rate", |s| s.optimizer.learning_rate = f64::NAN),
            ("weight decay", |s| s.optimizer.weight_decay = -0.1),
            ("beta 1", |s| s.optimizer.beta1 = 1.0),
            ("beta 2", |s| s.optimizer.beta2 = -0.1),
            ("epsilon", |s| s.optimizer.epsilon = 0.0),
            ("gradient clipping", |s| s.optimizer.max_grad_norm = -1.0),
            ("gradient clipping", |s| s.optimizer.max_grad_norm = f64::INFINITY),
            ("warm-up", |s| s.warmup = 1.1),
            ("dropout", |s| s.dropout = Some(1.0)),
            ("top layers", |s| s.trained_layers = TrainedLayers::Top(0)),
            ("rank of the adapter", |s| s.lora.rank = 0),
            ("alpha of the adapter", |s| s.lora.alpha = f64::NAN),
            ("dropout of the adapter", |s| s.lora.dropout = 1.0),
            ("smallest improvement", |s| s.early_stopping = Some(EarlyStopping { patience: 2, min_delta: -1.0 })),
            ("steps between evaluations", |s| s.evaluate_every = EvaluateEvery::Steps(0)),
        ];
        assert!(TrainingSettings::default().check().is_ok());
        for (name, change) in cases {
            let mut settings = TrainingSettings::default();
            change(&mut settings);
            let message = settings.check().unwrap_err().to_string();
            assert!(message.contains(&format!("The setting {name} cannot be")), "{name}: {message}");
            assert!(message.contains("Use"), "{message}");
        }
    }

    #[test]
    fn task_settings_out_of_range_are_named() {
        for wrong in [-0.1, 1.0, f64::NAN] {
            let mut project = Project::default();
            project.classification_mut().unwrap().label_smoothing = wrong;
            assert_eq!(project.check().unwrap_err().setting, "label smoothing");
        }
        for wrong in [0.0, 1.0, f64::NAN] {
            let mut project = Project::new(TaskKind::LanguageModelling);
            project.language_modelling_mut().unwrap().masked_share = wrong;
            assert_eq!(project.check().unwrap_err().setting, "masked share");
        }
        let mut project = Project::new(TaskKind::LanguageModelling);
        assert!(project.check().is_ok());
        project.training.best_metric = Some(MetricName::Accuracy);
        assert_eq!(
            project.check().unwrap_err().to_string(),
            "The setting best metric cannot be accuracy. Choose one of: loss, perplexity, word accuracy."
        );
    }

    #[test]
    fn shares_must_leave_training_rows_unless_files_are_given() {
        let mut project = Project::default();
        assert!(project.check().is_ok());
        for (validation, test, named) in [(-0.1, 0.2, "validation"), (0.5, 0.5, "test"), (0.1, f64::NAN, "test")] {
            (project.split.validation, project.split.test) = (validation.into(), test.into());
            assert_eq!(project.check().unwrap_err().setting, format!("{named} share"));
        }
        project.dataset.test = Some("test.csv".into());
        assert!(project.check().is_ok());
        project.dataset.test = None;
        (project.split.validation, project.split.test) = (Size::Rows(100), Size::Share(0.9));
        assert!(project.check().is_ok());
    }
}
