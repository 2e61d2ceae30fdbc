//! Star ratings, and their conversion to three sentiment labels.

use std::collections::BTreeMap;

use crate::project::LabelSettings;

/// A sentiment label that stars can be converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sentiment {
    /// Few stars.
    Negative,
    /// In between.
    Neutral,
    /// Many stars.
    Positive,
}

/// Sentiments in their order, as labels usually say them.
const SENTIMENTS: [&str; 5] = ["very negative", "negative", "neutral", "positive", "very positive"];

impl Sentiment {
    /// All labels, from few stars to many.
    pub const ALL: [Self; 3] = [Self::Negative, Self::Neutral, Self::Positive];

    /// The label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Neutral => "neutral",
            Self::Positive => "positive",
        }
    }
}

/// Star ratings used as labels: "4", "4.0", "4 stars", "4/5", "★★★★".
#[derive(Clone, Debug, PartialEq)]
pub struct StarScale {
    /// The highest rating on the scale: 5 or 10.
    pub top: u32,
    /// The labels in the file with their stars, ascending.
    pub ratings: Vec<(String, f64)>,
}

impl StarScale {
    /// The scale, if all labels are ratings with at least three values: 1 to 5 stars, or 0 to 10 points with some above
    /// 5.
    pub fn of<'a>(labels: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut ratings = Vec::new();
        let mut said_top = None;
        for label in labels {
            let (stars, top) = parse(label)?;
            if top.is_some() && said_top.is_some() && top != said_top {
                return None;
            }
            said_top = said_top.or(top);
            ratings.push((label.to_owned(), stars));
        }
        ratings.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
        let (least, most) = (ratings.first()?.1, ratings.last()?.1);
        let mut values: Vec<f64> = ratings.iter().map(|rating| rating.1).collect();
        values.dedup();
        let top = said_top.unwrap_or(if most > 5.0 { 10 } else { 5 });
        // Of ten points, at least five must occur: class numbers are not ratings.
        let enough = values.len() >= if top == 10 { 5 } else { 3 };
        let within = most <= f64::from(top) && least >= if top == 10 { 0.0 } else { 1.0 };
        (enough && within).then_some(Self { top, ratings })
    }

    /// The usual label for a number of stars. Out of five: 1 and 2 are negative, 4 and 5 positive. Out of ten: 4 and
    /// below are negative, 7 and above positive.
    #[must_use]
    pub fn usual(&self, stars: f64) -> Sentiment {
        let (low, high) = if self.top == 10 { (4.5, 6.5) } else { (2.25, 3.75) };
        if stars < low {
            Sentiment::Negative
        } else if stars < high {
            Sentiment::Neutral
        } else {
            Sentiment::Positive
        }
    }

    /// The usual label of each rating.
    #[must_use]
    pub fn usual_choice(&self) -> BTreeMap<String, Sentiment> {
        self.ratings.iter().map(|(label, stars)| (label.clone(), self.usual(*stars))).collect()
    }

    /// The label each rating has under these settings; `None` if one has any other label.
    #[must_use]
    pub fn chosen(&self, settings: &LabelSettings) -> Option<BTreeMap<String, Sentiment>> {
        let of = |label: &str| Sentiment::ALL.into_iter().find(|sentiment| sentiment.name() == settings.resolve(label));
        self.ratings.iter().map(|(label, _)| Some((label.clone(), of(label)?))).collect()
    }
}

impl LabelSettings {
    /// Label settings that convert each rating to its chosen label. Colours are kept.
    #[must_use]
    pub fn with_stars(&self, choice: &BTreeMap<String, Sentiment>) -> Self {
        let mut next = Self::default();
        for (label, sentiment) in choice {
            next.merge(label, sentiment.name());
        }
        let order = Sentiment::ALL.map(|sentiment| sentiment.name().to_owned()).to_vec();
        Self { order, colours: self.colours.clone(), ..next }
    }
}

/// The place of each label in the order that they have by their meaning, from 0 on: star ratings by their stars, and "negative",
/// "neutral" and "positive", also with "very". `None` if the labels have no such order, or are fewer than three.
///
/// Only what is certain counts: labels that a person put in some order are not thereby steps of a scale.
#[must_use]
pub fn label_ranks(labels: &[String]) -> Option<Vec<usize>> {
    let sentiment = |label: &String| SENTIMENTS.iter().position(|known| label.trim().eq_ignore_ascii_case(known));
    let values: Vec<f64> = match StarScale::of(labels.iter().map(String::as_str)) {
        Some(scale) => {
            let stars =
                |label: &String| scale.ratings.iter().find(|(rating, _)| rating == label).map(|(_, stars)| *stars);
            labels.iter().map(stars).collect::<Option<_>>()?
        }
        None => labels.iter().map(|label| sentiment(label).map(|place| place as f64)).collect::<Option<_>>()?,
    };
    let mut steps = values.clone();
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    let rank = |value: &f64| steps.iter().position(|step| step.total_cmp(value).is_eq());
    (steps.len() >= 3).then(|| values.iter().filter_map(rank).collect())
}

/// The stars in a label, and the highest possible number if it says so.
fn parse(label: &str) -> Option<(f64, Option<u32>)> {
    let label = label.trim().to_lowercase();
    let stars = label.chars().filter(|&letter| letter == '★' || letter == '⭐').count();
    if stars > 0 && label.chars().all(|letter| matches!(letter, '★' | '⭐' | '☆' | '\u{FE0F}' | ' ')) {
        return (stars <= 5).then_some((stars as f64, Some(5)));
    }
    let (label, starry) = match label.strip_suffix("stars").or_else(|| label.strip_suffix("star")) {
        Some(number) => (number.trim_end_matches(['-', '_', ' ']).to_owned(), true),
        None => (label, false),
    };
    let parts = label.split_once('/').or_else(|| label.split_once(" out of ")).or_else(|| label.split_once(" of "));
    let (number, top) = match parts {
        Some((number, top)) => (number, Some(top.trim().parse::<u32>().ok().filter(|top| matches!(top, 5 | 10))?)),
        None => (label.as_str(), starry.then_some(5)),
    };
    let number: f64 = number.trim().parse().ok()?;
    // Whole and half stars.
    let fine = (0.0..=10.0).contains(&number) && (number * 2.0).fract() == 0.0;
    fine.then_some((number, top))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(labels: &[&str]) -> Option<StarScale> {
        StarScale::of(labels.iter().copied())
    }

    #[test]
    fn ratings_are_recognised_in_every_notation() {
        for labels in [
            ["1", "3", "5"],
            ["1.0", "3.0", "5.0"],
            ["1 star", "3 stars", "5 Stars"],
            ["1/5", "3/5", "5/5"],
            ["★", "★★★☆☆", "⭐⭐⭐⭐⭐"],
            ["1 out of 5", "3 out of 5", "5 of 5"],
        ] {
            let scale = scale(&labels).unwrap_or_else(|| panic!("{labels:?}"));
            assert_eq!(scale.top, 5, "{labels:?}");
            let settings = LabelSettings::default().with_stars(&scale.usual_choice());
            let becomes: Vec<&str> = labels.iter().map(|label| settings.resolve(label)).collect();
            assert_eq!(becomes, ["negative", "neutral", "positive"], "{labels:?}");
            assert_eq!(scale.chosen(&settings), Some(scale.usual_choice()));
            assert_eq!(scale.chosen(&LabelSettings::default()), None);
        }
    }

    #[test]
    fn other_numbers_and_names_are_not_ratings() {
        for labels in [
            &["1", "2"][..],
            &["0", "1", "2"],
            &["-1", "0", "1"],
            &["1", "3", "7"],
            &["1", "3", "12"],
            &["good", "2", "3"],
            &["1/5", "5/10", "3/5"],
            &["1", "2", "3.14"],
            &[],
        ] {
            assert_eq!(scale(labels), None, "{labels:?}");
        }
    }

    #[test]
    fn ratings_out_of_ten_and_half_stars_are_recognised() {
        let points = scale(&["0", "2", "4", "5", "6", "7", "10"]).unwrap();
        assert_eq!((points.top, points.ratings[0].0.as_str()), (10, "0"));
        let usual: Vec<Sentiment> = points.ratings.iter().map(|(_, stars)| points.usual(*stars)).collect();
        let (low, middle, high) = (Sentiment::Negative, Sentiment::Neutral, Sentiment::Positive);
        assert_eq!(usual, [low, low, low, middle, middle, high, high]);
        let halves = scale(&["1.5", "2", "2.5", "3.5", "4", "4.5"]).unwrap();
        let usual: Vec<Sentiment> = halves.ratings.iter().map(|(_, stars)| halves.usual(*stars)).collect();
        assert_eq!(usual, [low, low, middle, middle, high, high]);
    }

    #[test]
    fn only_ratings_and_sentiments_have_an_order() {
        let ranks = |labels: &[&str]| label_ranks(&labels.iter().map(|&label| label.to_owned()).collect::<Vec<_>>());
        assert_eq!(ranks(&["3 stars", "1 star", "5 stars"]), Some(vec![1, 0, 2]));
        assert_eq!(ranks(&["1", "1.0", "2", "5"]), Some(vec![0, 0, 1, 2]), "two spellings of one rating");
        assert_eq!(ranks(&["Positive", "negative", "neutral"]), Some(vec![2, 0, 1]));
        assert_eq!(ranks(&["very positive", "neutral", "very negative"]), Some(vec![2, 1, 0]));
        for without in [&["negative", "positive"][..], &["0", "1", "2"], &["low", "high", "neutral"], &[]] {
            assert_eq!(ranks(without), None, "{without:?}");
        }
    }
}
