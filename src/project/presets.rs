//! Named sets of hyperparameters.

use serde::{Deserialize, Serialize};

use crate::project::{EarlyStopping, NetworkKind, OptimizerSettings, TaskKind, TrainedLayers, TrainingSettings};

/// Texts in a batch of a decoder.
const DECODER_ROWS: usize = 16;
/// Tokens in a batch of a decoder.
const DECODER_TOKENS: usize = 1024;
/// Learning rate of small encoders that learn to classify; see the table at [`Preset::apply`].
const SMALL_RATE: f64 = 1e-4;
/// The same of [`Preset::Thorough`].
const SMALL_THOROUGH_RATE: f64 = 6e-5;

/// A named set of hyperparameters, with values for each task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preset {
    /// No training loop: a logistic regression on the frozen model's embeddings. See [`TrainedLayers::Instant`].
    Instant,
    /// One epoch, short texts: a first look.
    Quick,
    /// The task's defaults.
    Balanced,
    /// More epochs at a lower learning rate, with early stopping.
    Thorough,
}

impl TrainingSettings {
    /// The defaults of a task: [`Preset::Balanced`] of the model that is chosen at first.
    #[must_use]
    pub fn of_task(task: TaskKind) -> Self {
        Preset::Balanced.apply((task, NetworkKind::OF_DEFAULT_MODEL), &Self::default())
    }

    /// The settings for a network of another kind. What a preset sets for the old kind becomes what it sets for the new one; what
    /// a person set otherwise stays.
    #[must_use]
    pub fn moved(&self, task: TaskKind, from: NetworkKind, to: NetworkKind) -> Self {
        let fields =
            |of: &Self| (of.trained_layers, of.optimizer.learning_rate.to_bits(), of.batch_size, of.batch_tokens);
        let find = |from| {
            let is_set = |preset: &Preset| fields(&preset.apply((task, from), self)) == fields(self);
            Preset::of_task(task).iter().copied().find(is_set)
        };
        // Projects of early versions have the rates of large encoders with small ones.
        let early = if from == NetworkKind::SmallEncoder { NetworkKind::Encoder } else { from };
        let preset = find(from).or_else(|| find(early)).unwrap_or(Preset::Balanced);
        let [old, early, new] = [from, early, to].map(|network| preset.apply((task, network), self));
        let mut moved = self.clone();
        if self.trained_layers == old.trained_layers {
            moved.trained_layers = new.trained_layers;
        }
        let rate = |of: &Self| of.optimizer.learning_rate.to_bits();
        if [rate(&old), rate(&early)].contains(&rate(self)) {
            moved.optimizer.learning_rate = new.optimizer.learning_rate;
        }
        if self.batch_size == old.batch_size {
            moved.batch_size = new.batch_size;
        }
        if self.batch_tokens == old.batch_tokens {
            moved.batch_tokens = new.batch_tokens;
        }
        moved
    }
}

impl Preset {
    /// The presets of a task, in the order they are shown.
    #[must_use]
    pub fn of_task(task: TaskKind) -> &'static [Self] {
        const ALL: [Preset; 4] = [Preset::Instant, Preset::Quick, Preset::Balanced, Preset::Thorough];
        match task {
            TaskKind::TextClassification => &ALL,
            // There are no labels to learn from embeddings.
            TaskKind::LanguageModelling => &ALL[1..],
        }
    }

    /// The settings of this preset for a task and a kind of network; the metric, `seed`, `device` and `precision` keep their current values.
    ///
    /// Small encoders learn to classify at twice the rate of others. Measured with MiniLM-L6 in Balanced (macro-F1 on the test rows, mean
    /// of two seeds):
    ///
    /// | data, training rows | 5e-5 | 1e-4 | 2e-4 |
    /// | --- | --- | --- | --- |
    /// | SST-2, 2,000 | 0.833 | 0.845 | 0.831 |
    /// | airline tweets, 2,000 | 0.759 | 0.761 | 0.763 |
    /// | Amazon review sentences, 2,589 | 0.675 | 0.688 | not on this split |
    /// | the sample project, 543 | 0.727 | 0.754 | 0.766 |
    ///
    /// The learning rates of language modelling suit a model that gets a new language model head, as the default model
    /// and all other sentence embedding models do. Which model is trained is not known here: training warns if the
    /// model has a head already, which wants a lower rate.
    ///
    /// Decoders learn to classify by an adapter, at the learning rate that is usual for these, in batches that are small by their
    /// tokens: their layers are wider and more than those of most encoders.
    #[must_use]
    pub fn apply(self, (task, network): (TaskKind, NetworkKind), now: &TrainingSettings) -> TrainingSettings {
        let (epochs, max_length, learning_rate, patience) = match (task, self) {
            (TaskKind::TextClassification, Self::Instant) => (1, 128, 5e-5, 0),
            (TaskKind::TextClassification, Self::Quick) => (1, 64, 5e-5, 2),
            (TaskKind::TextClassification, Self::Balanced) => (3, 128, 5e-5, 2),
            (TaskKind::TextClassification, Self::Thorough) => (8, 256, 3e-5, 3),
            (TaskKind::LanguageModelling, Self::Instant | Self::Quick) => (1, 64, 3e-4, 2),
            (TaskKind::LanguageModelling, Self::Balanced) => (5, 128, 3e-4, 2),
            (TaskKind::LanguageModelling, Self::Thorough) => (15, 256, 2e-4, 3),
        };
        let learning_rate = match (task, network, self) {
            (TaskKind::TextClassification, NetworkKind::SmallEncoder, Self::Thorough) => SMALL_THOROUGH_RATE,
            (TaskKind::TextClassification, NetworkKind::SmallEncoder, _) => SMALL_RATE,
            // Every decoder comes with its language model head.
            (TaskKind::LanguageModelling, NetworkKind::Decoder, Self::Thorough) => 3e-5,
            (TaskKind::LanguageModelling, NetworkKind::Decoder, _) => 5e-5,
            _ => learning_rate,
        };
        let of_encoder = TrainingSettings {
            epochs,
            max_length,
            optimizer: OptimizerSettings { learning_rate, ..OptimizerSettings::default() },
            early_stopping: (patience > 0).then_some(EarlyStopping { patience, min_delta: 0.0 }),
            trained_layers: match (task, self) {
                (TaskKind::TextClassification, Self::Instant) => TrainedLayers::Instant,
                _ => TrainedLayers::All,
            },
            best_metric: now.best_metric,
            checkpoint_minutes: now.checkpoint_minutes,
            seed: now.seed,
            device: now.device,
            precision: now.precision,
            recompute: now.recompute,
            ..TrainingSettings::default()
        };
        match (task, network, self) {
            (TaskKind::TextClassification, NetworkKind::Decoder, Self::Quick | Self::Balanced | Self::Thorough) => {
                of_encoder.with_an_adapter(if self == Self::Thorough { 1e-4 } else { 2e-4 })
            }
            _ => of_encoder,
        }
    }

    /// The usual learning rate for what is trained: that of the balanced preset if it is everything. The fewer weights are trained,
    /// the further they have to move.
    #[must_use]
    pub fn learning_rate_for((task, network): (TaskKind, NetworkKind), trained: TrainedLayers) -> f64 {
        use NetworkKind::{Decoder, Encoder, SmallEncoder};
        let is_classifier = task == TaskKind::TextClassification;
        match (trained, network) {
            (TrainedLayers::Lora | TrainedLayers::Head, Encoder | SmallEncoder) if is_classifier => 1e-3,
            (TrainedLayers::Top(_), Encoder | SmallEncoder) if is_classifier => 2e-4,
            (TrainedLayers::Lora, _) => 2e-4,
            (_, SmallEncoder) if is_classifier => SMALL_RATE,
            (_, Encoder | Decoder) if is_classifier => 5e-5,
            (_, Decoder) => 5e-5,
            (_, Encoder | SmallEncoder) => 3e-4,
        }
    }

    /// The preset that has these settings, if any.
    #[must_use]
    pub fn of((task, network): (TaskKind, NetworkKind), settings: &TrainingSettings) -> Option<Self> {
        let is_of = |preset: &Self| preset.apply((task, network), settings) == *settings;
        Self::of_task(task).iter().copied().find(is_of)
    }
}

impl TrainingSettings {
    /// The same after another choice of what is trained, whose usual learning rate replaces that of the choice before or of a
    /// preset.
    #[must_use]
    pub fn with_usual_rate(mut self, of: (TaskKind, NetworkKind), before: TrainedLayers) -> Self {
        let is_now = |rate: f64| rate.to_bits() == self.optimizer.learning_rate.to_bits();
        // Of any kind of network: projects of early versions have the rates of large encoders with small ones.
        let is_usual = |network| {
            let of = (of.0, network);
            let mut presets = Preset::of_task(of.0).iter().map(|preset| preset.apply(of, &self));
            presets.any(|set| set.trained_layers == before && is_now(set.optimizer.learning_rate))
                || is_now(Preset::learning_rate_for(of, before))
        };
        if NetworkKind::ALL.into_iter().any(is_usual) {
            self.optimizer.learning_rate = Preset::learning_rate_for(of, self.trained_layers);
        }
        self
    }

    /// The same, training an adapter in small batches.
    fn with_an_adapter(mut self, learning_rate: f64) -> Self {
        self.optimizer.learning_rate = learning_rate;
        self.trained_layers = TrainedLayers::Lora;
        (self.batch_size, self.batch_tokens) = (DECODER_ROWS, Some(DECODER_TOKENS));
        self
    }
}

impl TrainedLayers {
    /// What can be trained for a task, this choice among it, from the most to the least.
    #[must_use]
    pub fn choices(self, task: TaskKind) -> Vec<Self> {
        let top = if matches!(self, Self::Top(_)) { self } else { Self::Top(2) };
        let mut choices = vec![Self::All, top, Self::Lora, Self::Head];
        // Without labels, there is nothing to solve for.
        choices.extend((task == TaskKind::TextClassification).then_some(Self::Instant));
        choices
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Precision;

    const TASK: TaskKind = TaskKind::TextClassification;
    const ENCODER: (TaskKind, NetworkKind) = (TASK, NetworkKind::Encoder);
    const DECODER: (TaskKind, NetworkKind) = (TASK, NetworkKind::Decoder);

    #[test]
    fn the_defaults_of_a_task_are_its_balanced_preset() {
        let moved = TrainingSettings::default().moved(TASK, NetworkKind::Encoder, NetworkKind::OF_DEFAULT_MODEL);
        assert_eq!(TrainingSettings::of_task(TASK), moved);
        let adapting = TrainingSettings::of_task(TaskKind::LanguageModelling);
        assert_eq!((adapting.epochs, adapting.optimizer.learning_rate.to_bits()), (5, 3e-4_f64.to_bits()));
        for task in TaskKind::ALL {
            for network in NetworkKind::ALL {
                let presets = Preset::of_task(task).iter().map(|preset| preset.apply((task, network), &adapting));
                assert!(presets.into_iter().all(|settings| settings.check().is_ok()));
            }
            let of_default = (task, NetworkKind::OF_DEFAULT_MODEL);
            assert_eq!(Preset::of(of_default, &TrainingSettings::of_task(task)), Some(Preset::Balanced));
        }
        let language = (TaskKind::LanguageModelling, NetworkKind::Encoder);
        assert_eq!(Preset::of(language, &TrainingSettings::default()), None);
    }

    #[test]
    fn a_preset_keeps_the_seed_and_what_computes() {
        let now = TrainingSettings { seed: 7, precision: Precision::F32, epochs: 50, ..TrainingSettings::default() };
        let language = (TaskKind::LanguageModelling, NetworkKind::Encoder);
        let quick = Preset::Quick.apply(language, &now);
        assert_eq!((quick.seed, quick.precision, quick.epochs), (7, Precision::F32, 1));
        assert_eq!(Preset::of(language, &quick), Some(Preset::Quick));
    }

    #[test]
    fn small_encoders_learn_to_classify_at_a_higher_rate_and_nothing_else_differs() {
        const SMALL: (TaskKind, NetworkKind) = (TASK, NetworkKind::SmallEncoder);
        let now = TrainingSettings::default();
        for (preset, rate) in [(Preset::Quick, 1e-4), (Preset::Balanced, 1e-4), (Preset::Thorough, 6e-5)] {
            let mut small = preset.apply(SMALL, &now);
            assert_eq!(small.optimizer.learning_rate.to_bits(), f64::to_bits(rate), "{preset:?}");
            let large = preset.apply(ENCODER, &now);
            small.optimizer.learning_rate = large.optimizer.learning_rate;
            assert_eq!(small, large);
        }
        for trained in [TrainedLayers::Lora, TrainedLayers::Head, TrainedLayers::Top(2)] {
            let [small, large] = [SMALL, ENCODER].map(|of| Preset::learning_rate_for(of, trained).to_bits());
            assert_eq!(small, large, "{trained:?}");
        }
        assert_eq!(Preset::learning_rate_for(SMALL, TrainedLayers::All).to_bits(), 1e-4_f64.to_bits());
        let adapting = [NetworkKind::SmallEncoder, NetworkKind::Encoder]
            .map(|network| Preset::Balanced.apply((TaskKind::LanguageModelling, network), &now));
        assert_eq!(adapting[0], adapting[1]);
        assert_eq!(
            [22_700_000, 40_000_000, 66_000_000].map(NetworkKind::of_encoder),
            [NetworkKind::SmallEncoder, NetworkKind::SmallEncoder, NetworkKind::Encoder]
        );
    }

    #[test]
    fn presets_of_decoders_train_adapters_in_batches_of_few_tokens() {
        let now = TrainingSettings::default();
        let balanced = Preset::Balanced.apply(DECODER, &now);
        assert_eq!((balanced.trained_layers, balanced.lora.rank), (TrainedLayers::Lora, 8));
        assert_eq!(balanced.optimizer.learning_rate.to_bits(), 2e-4_f64.to_bits());
        assert_eq!((balanced.batch_size, balanced.batch_tokens), (16, Some(1024)));
        assert_eq!(Preset::of(DECODER, &balanced), Some(Preset::Balanced));
        // All weights are trained by hand, at the rate of the encoders' presets.
        assert_eq!(Preset::learning_rate_for(DECODER, TrainedLayers::All).to_bits(), 5e-5_f64.to_bits());
        let instant = Preset::Instant.apply(DECODER, &now);
        assert_eq!(instant, Preset::Instant.apply(ENCODER, &now));
        let adapting = (TaskKind::LanguageModelling, NetworkKind::Decoder);
        // A decoder has its language model head already, which wants a lower rate than a new one.
        let mut expected = TrainingSettings::of_task(TaskKind::LanguageModelling);
        expected.optimizer.learning_rate = Preset::learning_rate_for(adapting, TrainedLayers::All);
        assert_eq!(Preset::Balanced.apply(adapting, &now), expected);
        assert_eq!(expected.optimizer.learning_rate.to_bits(), 5e-5_f64.to_bits());
    }

    #[test]
    fn another_kind_of_network_gets_its_own_presets_and_keeps_a_persons_changes() {
        let now =
            TrainingSettings { epochs: 7, seed: 3, ..Preset::Thorough.apply(ENCODER, &TrainingSettings::default()) };
        let moved = now.moved(TASK, NetworkKind::Encoder, NetworkKind::Decoder);
        assert_eq!((moved.epochs, moved.seed, moved.max_length), (7, 3, 256));
        assert_eq!((moved.trained_layers, moved.batch_size), (TrainedLayers::Lora, 16));
        assert_eq!(moved.optimizer.learning_rate.to_bits(), 1e-4_f64.to_bits());
        assert_eq!(moved.moved(TASK, NetworkKind::Decoder, NetworkKind::Encoder), now, "and back");
        // A project of an early version, with the rate of large encoders.
        for preset in [Preset::Balanced, Preset::Thorough] {
            let early = preset.apply(ENCODER, &TrainingSettings::default());
            let moved = early.moved(TASK, NetworkKind::SmallEncoder, NetworkKind::Decoder);
            assert_eq!(moved, preset.apply(DECODER, &TrainingSettings::default()), "{preset:?}");
        }
        let by_hand = TrainingSettings { trained_layers: TrainedLayers::Head, batch_size: 8, ..now.clone() };
        let moved = by_hand.moved(TASK, NetworkKind::Encoder, NetworkKind::Decoder);
        assert_eq!((moved.trained_layers, moved.batch_size), (TrainedLayers::Head, 8));
        assert_eq!(now.moved(TASK, NetworkKind::Encoder, NetworkKind::Encoder), now);
    }
}
