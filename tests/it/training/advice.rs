//! What the curves of a run show.
//!
//! `HONE_ADVICE_RUNS=FOLDER cargo test --test it -- --ignored --nocapture training::advice::by_hand` prints what was said during each run
//! of the projects in a folder, and when.

use hone::evaluation::{
    ClassificationMetrics, ConfusionMatrix, LanguageModelMetrics, Metrics, PrecisionRecall, WordCounts,
};
use hone::project::{ClassWeights, EarlyStopping, MetricName, TrainedLayers};
use hone::storage::EvaluationPoint;
use hone::training::{Advice, AdviceKind, AdvisedRun, Adviser, advise};

use super::*;

/// Ten steps for each of these losses, at the rate of the run.
fn steps(losses: &[f64]) -> Vec<StepMetrics> {
    let losses = losses.iter().flat_map(|loss| [*loss; 10]);
    let step = |(step, loss)| StepMetrics {
        step,
        epoch: 0.0,
        loss,
        learning_rate: 5e-5,
        grad_norm: 1.0,
        tokens: 10,
        train_seconds: 0.0,
        memory: 0,
    };
    (1..).zip(losses).map(step).collect()
}

/// An evaluation after ten more steps for each loss and macro-F1 of a classifier that predicts each of three labels for some rows.
fn evaluations(points: &[(f64, f64, [u64; 3])]) -> Vec<EvaluationPoint> {
    let point = |(nth, &(loss, f1, predicted)): (u64, &(f64, f64, [u64; 3]))| {
        // 30, 20 and 10 rows, which are predicted as if by chance.
        let row = |share: u64| predicted.map(|rows| rows * share / 6).to_vec();
        let counts = vec![row(3), row(2), row(1)];
        let confusion = ConfusionMatrix { labels: ["good", "fair", "bad"].map(str::to_owned).to_vec(), counts };
        let macro_average = PrecisionRecall { f1, ..PrecisionRecall::default() };
        let metrics = ClassificationMetrics { loss, macro_average, confusion, ..ClassificationMetrics::default() };
        EvaluationPoint { step: nth * 10, epoch: 0.0, metrics: Metrics::Classification(metrics), is_best: false }
    };
    (1..).zip(points).map(point).collect()
}

/// Balanced predictions.
const ALL: [u64; 3] = [30, 18, 12];

fn run(learning_rate: f64) -> AdvisedRun {
    let mut training = TrainingSettings::default();
    training.optimizer.learning_rate = learning_rate;
    AdvisedRun {
        training,
        metric: MetricName::MacroF1,
        total_steps: 60,
        usual_rate: 5e-5,
        labels: 3,
        class_weights: ClassWeights::Auto,
    }
}

fn kinds(advice: &[Advice]) -> Vec<AdviceKind> {
    advice.iter().map(|advice| advice.kind).collect()
}

#[test]
fn each_kind_of_trouble_is_recognised_and_a_good_run_is_left_alone() {
    use AdviceKind::{Diverging, NeverPredicted, Overfitting, Plateau, RateTooHigh, RateTooLow};
    type Case = (&'static str, f64, &'static [f64], &'static [(f64, f64, [u64; 3])], &'static [AdviceKind]);
    let table: [Case; 15] = [
        ("nothing yet", 5e-5, &[], &[], &[]),
        ("a good run", 5e-5, &[1.0, 0.6, 0.4, 0.3], &[(0.8, 0.6, ALL), (0.6, 0.7, ALL), (0.58, 0.72, ALL)], &[]),
        // The head of an instant model fits the training rows too well at first.
        ("a good run after a fitted head", 5e-5, &[0.07, 0.5, 0.1, 0.03], &[(1.7, 0.65, ALL), (1.3, 0.78, ALL)], &[]),
        ("noise around what was learned", 5e-5, &[1.0, 0.5, 0.7, 0.5], &[(0.7, 0.6, ALL), (0.69, 0.61, ALL)], &[]),
        ("loss beyond guessing", 5e-4, &[0.5, 1.7], &[], &[RateTooHigh]),
        ("loss back at guessing", 5e-4, &[1.0, 0.6, 1.08], &[(0.9, 0.5, ALL)], &[RateTooHigh]),
        ("loss without limit", 5e-3, &[1.0, 9.0], &[], &[Diverging]),
        ("a jump that is over", 5e-4, &[0.5, 1.7, 0.3], &[(0.9, 0.5, ALL)], &[]),
        (
            "a low rate",
            2e-6,
            &[1.0, 0.98, 0.97, 0.96],
            &[(1.0, 0.4, ALL), (0.97, 0.4, ALL), (0.95, 0.4, ALL)],
            &[RateTooLow],
        ),
        ("a low rate, early", 2e-6, &[1.0, 0.98], &[(1.0, 0.4, ALL), (0.97, 0.4, ALL)], &[]),
        (
            "little movement at the usual rate",
            5e-5,
            &[0.3, 0.29, 0.28, 0.27],
            &[(0.5, 0.8, ALL), (0.49, 0.81, ALL)],
            &[],
        ),
        (
            "overfitting",
            5e-5,
            &[0.9, 0.5, 0.2, 0.1],
            &[(0.7, 0.6, ALL), (0.6, 0.7, ALL), (0.8, 0.68, ALL), (0.9, 0.69, ALL)],
            &[Overfitting],
        ),
        (
            "overfitting, and so no improvement",
            5e-5,
            &[0.5, 0.4, 0.3, 0.3, 0.3],
            &[(0.6, 0.7, ALL), (0.8, 0.69, ALL), (0.8, 0.69, ALL), (0.8, 0.69, ALL)],
            &[Overfitting],
        ),
        (
            "surer, and still better",
            5e-5,
            &[0.9, 0.5, 0.2, 0.1],
            &[(0.7, 0.6, ALL), (0.6, 0.7, ALL), (0.8, 0.71, ALL), (0.9, 0.74, ALL)],
            &[],
        ),
        (
            "no improvement",
            5e-5,
            &[0.5, 0.4, 0.4, 0.4, 0.4],
            &[(0.7, 0.6, ALL), (0.6, 0.7, ALL), (0.6, 0.7, ALL), (0.6, 0.7, ALL), (0.6, 0.69, ALL)],
            &[Plateau],
        ),
    ];
    for (name, rate, losses, points, expected) in table {
        let found = advise(&run(rate), &steps(losses), &evaluations(points));
        assert_eq!(kinds(&found), expected, "{name}: {found:#?}");
    }
    let never = |points| kinds(&advise(&run(5e-5), &steps(&[1.0, 0.8]), &evaluations(points)));
    assert_eq!(never(&[(0.9, 0.5, [36, 24, 0]), (0.8, 0.5, [30, 30, 0])]), [NeverPredicted]);
    assert_eq!(never(&[(0.9, 0.5, [36, 0, 24]), (0.8, 0.5, [30, 30, 0])]), [], "another label each time");
}

#[test]
fn advice_says_what_was_seen_and_what_to_change() {
    let says = |run: &AdvisedRun, losses, points| {
        let [advice] = advise(run, &steps(losses), &evaluations(points)).try_into().unwrap();
        (advice.says, advice.setting)
    };
    let (high, setting) = says(&run(5e-4), &[0.5, 1.7], &[]);
    assert_eq!(
        high,
        "The training loss is 1.700, and guessing would give 1.099. Stop, and lower the learning rate from 5e-4 to 5e-5."
    );
    assert_eq!(setting, "Learning rate");
    let mut unclipped = run(3e-5);
    unclipped.training.optimizer.max_grad_norm = 0.0;
    let (high, _) = says(&unclipped, &[0.5, 1.7], &[]);
    assert!(high.ends_with("from 3e-5 to 1e-5. Turn gradient clipping on, too."), "{high}");
    let overfits = [(0.7, 0.6, ALL), (0.6, 0.7, ALL), (0.8, 0.68, ALL), (0.9, 0.69, ALL)];
    let mut run = run(5e-5);
    run.training.early_stopping = Some(EarlyStopping::default());
    assert_eq!(says(&run, &[0.9, 0.5, 0.2, 0.1], &overfits).1, "Epochs");
    run.training.early_stopping = None;
    let (overfitting, setting) = says(&run, &[0.9, 0.5, 0.2, 0.1], &overfits);
    assert!(
        overfitting.contains("rose from 0.600 at step 20 to 0.900, while the training loss fell from 0.500 to 0.100"),
        "{overfitting}"
    );
    assert_eq!(setting, "Early stopping");
    let missing = [(0.9, 0.5, [36, 24, 0]), (0.8, 0.5, [30, 30, 0])];
    let (never, setting) = says(&run, &[1.0, 0.8], &missing);
    assert!(
        never.starts_with(
            "No validation row was predicted 'bad' at the last two evaluations, although 10 rows have it."
        ),
        "{never}"
    );
    assert_eq!(setting, "Class weights");
    run.class_weights = ClassWeights::Balanced;
    assert_eq!(says(&run, &[1.0, 0.8], &missing).1, "Epochs");
}

#[test]
fn a_language_model_is_measured_by_where_it_began() {
    let run = AdvisedRun { metric: MetricName::Perplexity, labels: 0, usual_rate: 3e-4, ..run(3e-3) };
    let of = |losses: &[f64], validation: &[f64]| {
        let point = |(nth, &loss): (u64, &f64)| {
            let overall = WordCounts { tokens: 1_000, nats: 1_000.0 * loss, ..WordCounts::default() };
            let metrics =
                Metrics::LanguageModelling(LanguageModelMetrics { overall, ..LanguageModelMetrics::default() });
            EvaluationPoint { step: nth * 10, epoch: 0.0, metrics, is_best: false }
        };
        kinds(&advise(&run, &steps(losses), &(1..).zip(validation).map(point).collect::<Vec<_>>()))
    };
    assert_eq!(of(&[9.0, 5.0, 3.0], &[6.0, 4.0, 3.0]), []);
    assert_eq!(of(&[3.0, 2.5, 2.9], &[3.0, 2.6]), [AdviceKind::RateTooHigh]);
    assert_eq!(of(&[2.0, 7.0], &[]), [AdviceKind::Diverging]);
    assert_eq!(of(&[3.0, 2.5, 2.0, 1.8], &[2.6, 2.5, 2.9, 3.0]), [AdviceKind::Overfitting]);
}

#[test]
fn an_instant_model_gets_no_advice() {
    let mut run = run(5e-5);
    run.training.trained_layers = TrainedLayers::Instant;
    assert_eq!(advise(&run, &steps(&[0.5, 9.0]), &[]), []);
}

#[test]
fn advice_comes_when_it_changes_and_stays_until_the_next_evaluation() {
    let mut adviser = Adviser::new(run(5e-4));
    let mut told = Vec::new();
    for step in steps(&[0.5, 1.7, 0.3]) {
        told.extend(adviser.step(&step).map(|advice| (step.step, kinds(&advice))));
    }
    assert_eq!(told, [(12, vec![AdviceKind::RateTooHigh])], "a look every four steps");
    let points = evaluations(&[(0.6, 0.7, ALL), (0.6, 0.7, ALL)]);
    assert_eq!(adviser.evaluation(&points[0]), Some(Vec::new()), "it is over");
    assert_eq!(adviser.evaluation(&points[1]), None);
    // However long the run is, looking takes no time and no memory.
    for (nth, mut step) in (0..50_000).zip(steps(&[0.3]).into_iter().cycle()) {
        step.step = 31 + nth;
        assert_eq!(adviser.step(&step), None);
    }
}

#[test]
fn a_run_with_an_absurd_learning_rate_is_told_so_while_it_trains() {
    let bench = Bench::new(120);
    let mut adviser = None;
    let mut told = Vec::new();
    let mut project = project();
    project.training.epochs = 10;
    project.training.optimizer.learning_rate = 1.0;
    let outcome = bench.train_with(&project, &Control::default(), &mut |event| {
        let advice = match event {
            TrainingEvent::Started { settings, total_steps, .. } => {
                let run = AdvisedRun::of(settings, *total_steps, hone::project::NetworkKind::Encoder);
                adviser = Some(Adviser::new(run));
                None
            }
            TrainingEvent::Step(step) => adviser.as_mut().unwrap().step(step),
            TrainingEvent::Evaluation(point) => adviser.as_mut().unwrap().evaluation(point),
            _ => None,
        };
        told.extend(advice.into_iter().flatten().map(|advice| advice.kind));
    });
    assert!(outcome.run.is_ok(), "{}", outcome.error());
    assert!(told.iter().any(|kind| matches!(kind, AdviceKind::RateTooHigh | AdviceKind::Diverging)), "{told:?}");
}

mod by_hand {
    use super::*;

    #[test]
    #[ignore = "reads the runs of a folder: see the module's documentation"]
    fn what_is_said_of_real_runs() {
        let folder = std::env::var_os("HONE_ADVICE_RUNS").unwrap();
        let mut projects: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        projects.sort();
        for project in projects.iter().filter(|path| path.join("runs").is_dir()) {
            let mut listed = RunFolder::list(project).unwrap();
            listed.reverse();
            for run in listed {
                let settings = run.folder.read_settings().unwrap();
                let (steps, evaluations) = run.folder.read_metrics().unwrap();
                let total = steps.last().map_or(0, |step| step.step);
                let network = hone::project::NetworkKind::Encoder;
                let mut adviser = Adviser::new(AdvisedRun::of(&settings, total, network));
                let mut points = evaluations.iter().peekable();
                let mut told: Vec<(u64, Vec<Advice>)> = Vec::new();
                for step in &steps {
                    told.extend(adviser.step(step).map(|advice| (step.step, advice)));
                    while let Some(point) = points.next_if(|point| point.step <= step.step) {
                        told.extend(adviser.evaluation(point).map(|advice| (point.step, advice)));
                    }
                }
                let training = &settings.project.training;
                println!(
                    "{}: {:?}, rate {:e}, {} epochs, seed {}: {total} steps",
                    project.file_name().unwrap().display(),
                    training.trained_layers,
                    training.optimizer.learning_rate,
                    training.epochs,
                    training.seed
                );
                for (step, advice) in told {
                    let advice: Vec<_> =
                        advice.iter().map(|advice| format!("{:?}: {}", advice.kind, advice.says)).collect();
                    println!(
                        "  step {step}: {}",
                        if advice.is_empty() { "over".to_owned() } else { advice.join(" | ") }
                    );
                }
            }
        }
    }
}
