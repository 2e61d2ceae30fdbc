//! What am I looking at? An answer for each chart and table, by the title of its card.

use crate::glossary::entries;

entries! {
    /// A chart or table with a title.
    Chart {
        Headline: "How good is it?", "The model's score on rows it has never seen, on a scale from 0 to 1. The shaded band is the 95% interval: with other rows of the same kind, the score would most likely be somewhere in it. The marks below are the baselines. The model is useful if its band lies clearly to the right of them.";
        Loss: "Loss", "How wrong the model was at each step: lower is better. The thin line is each batch, the thick line a running average, the dots the validation set. Both should fall. If the dots rise while the line falls, the model is memorising the training rows; the star marks the checkpoint that is kept.";
        ValidationMetrics: "Validation metrics", "How good the model was at each evaluation, on rows it does not learn from: higher is better. The star marks the best one, which is kept. A flat line at the start is normal; a flat line to the end means it learns nothing.";
        LearningRate: "Learning rate", "How far the model moves at each step. It rises at first (warm-up), then falls to 0, as planned. There is nothing to do here.";
        GradientNorm: "Gradient norm", "How strongly each batch pulls at the model. It jumps about; that is normal. Worry only if it grows to many times its usual size and the loss rises too.";
        Speed: "Speed", "How many tokens the model trains on in a second, on average over the last steps. It is lower while other programs are busy, and for short texts.";
        Memory: "Memory", "How much of this machine's memory Hone uses while it trains, in gigabytes. It should rise at first and then stay about the same. If it comes close to what the machine has, lower the batch size or the max length.";
        ConfusionMatrix: "Confusion matrix", "Each row is a true label, each column a predicted one. The diagonal is right. A dark cell elsewhere is a frequent mistake: rows of that label that were taken for the other. Click a cell on Evaluate to read them.";
        MetricsPerLabel: "Metrics per label", "How well the model does on each label. Low recall: it misses this label. Low precision: it uses this label too often. With few rows, a figure is uncertain.";
        AllMetrics: "All metrics", "Other ways to sum up the same predictions, each with its 95% interval. Hover over a name to see what it means. Decide beforehand which one matters to you: of many metrics, one always looks good.";
        Ranking: "Ranking", "How well the probability of a label puts its rows before all others. ROC shows the share of its rows that are found against the share of other rows that come with them; the dashed line is chance. Precision-recall shows how many of the rows found are right: it says more about rare labels.";
        Reliability: "Calibration", "Whether probabilities can be taken at their word: points on the dashed line are rows predicted with 80% that are right in 80 of 100. Points below it: the model is too sure of itself. The temperature is one number that corrects this, fitted on the validation set. Predictions of new texts are corrected by it; all metrics here are not.";
        Coverage: "Undecided rows", "What you gain by leaving unsure rows to a person. From right to left, fewer rows get a label, and more of those labels should be right. The point is the threshold you choose. These probabilities are not corrected by the temperature; Label a file shows what a threshold does to corrected ones.";
        Slices: "Where it does worse", "Parts of the rows, by length, language, column or finding, in which fewer predictions are right than elsewhere. Of many parts, some look bad by chance, so the intervals are corrected for their number (Newcombe's interval with Holm's method): only differences that remain are shown.";
        TextLength: "Text length", "How many texts there are of each length. Texts to the right of max length are cut off: their end is not read.";
        TypicalWords: "Typical words of each label", "Words that occur more often with one label than with the others. They should make sense. A word that has nothing to do with the label, such as a name or a date, is a shortcut the model may learn. (Ranked by log-odds with an informative prior: Monroe, Colaresi and Quinn 2008.)";
        OverTime: "Over time", "How many rows there are in each period, and how the labels share them. A jump shows that something changed: a new product, another way of labelling. Test on the newest rows if the model will be used on new ones.";
        MissingValues: "Missing values", "Share of rows in which each column is empty.";
        Languages: "Languages", "The language of the texts, guessed from their letters and words. A model trained on one language does badly on another.";
        Findings: "Findings", "Problems that Hone found in the rows, the most serious first. Each says what it means and what you can do. Ignored findings are not reported again.";
        Rows: "Rows", "All rows as the model will see them. Search, filter and sort them; choose one to read all of it and to correct its label.";
        Cleaning: "Cleaning", "What is changed in every text before training, and later before every prediction. Each step shows how many rows it changes.";
        Split: "Split", "How the rows are divided: most to learn from, some to choose the best checkpoint, and some that are kept apart for an honest test.";
        NearDuplicates: "Near-duplicates", "Texts that differ in a few words only. If one is in training and the other in the test set, the test is too easy.";
        Leakage: "Leakage", "Ways in which the test set may be easier than new texts: copies of training rows, the same customer in both, or a text that contains its label.";
        Plan: "Training plan", "What will happen when you press the button: the model, the rows, and how often it goes through them.";
        Log: "Log", "What Hone did, line by line. Warnings have a sign before them.";
        LabelAFile: "Label a file", "Predicts a label for every row of a table. You see the number of rows per label and the rows themselves before anything is written.";
        BeforeAndAfter: "Before and after", "How well the model predicts hidden or next words of your texts, before and after training.";
        DomainTerms: "Domain terms", "Words that are typical of your texts, and how well the model predicts them before and after training.";
        HardestDocuments: "Hardest documents", "The documents whose words the model still finds hardest to predict. They are often in another language, or damaged.";
        NewWords: "New words", "Frequent words of your texts that the model knows only in pieces. The model learns them faster if you add them as whole words.";
    }
}
