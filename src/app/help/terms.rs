//! The glossary: each term that the window uses, explained in one place.

use crate::app::help::entries::entries;

entries! {
    /// A term of the field.
    Term {
        Accuracy: "Accuracy", "Share of rows with the right prediction: 0.83 means 83 of 100 rows. It can be high even if the model never finds a rare label.";
        AdapterDropout: "Adapter dropout", "Switches off a random part of what an adapter (LoRA) reads at each step of training. Reduces overfitting.";
        Accumulation: "Gradient accumulation", "Adds up several batches before each step: the effect of a larger batch, in the memory of a small one.";
        Alpha: "Alpha", "How much an adapter (LoRA) counts: alpha divided by the rank. Leave it at once or twice the rank.";
        Baseline: "Baseline", "A simple method to compare with. A model that does not beat it is not worth its effort.";
        BatchSize: "Batch size", "Number of texts the model reads before it changes once. A larger batch is steadier and needs more memory.";
        Beta1: "Beta 1", "How long the optimizer remembers the direction of past steps. Leave it unless you know why.";
        Beta2: "Beta 2", "How long the optimizer remembers the size of past steps. Leave it unless you know why.";
        Calibration: "Calibration", "Whether probabilities can be taken at their word: of all rows predicted with 80%, about 80 of 100 should be right.";
        Checkpoint: "Checkpoint", "The model as it was at one moment of training. Hone keeps the best one, measured on the validation set.";
        ClassWeights: "Class weights", "How much an error on each label costs in training. Balanced weights make errors on rare labels cost more, so that the model does not ignore them.";
        Imbalance: "Class imbalance", "How many times as many rows the most frequent label has as the rarest one. If it is large, the model tends to ignore rare labels: balance the class weights, or label more rows.";
        Clipping: "Gradient clipping", "Limits how much one batch can change the model, so that an odd batch does no harm.";
        Confidence: "Confidence", "The probability the model gives to the label it predicts. High confidence is not a promise: the model can be sure and wrong.";
        ConfusionMatrix: "Confusion matrix", "A table of true against predicted labels. The diagonal is right; every other cell is a kind of mistake.";
        Device: "Device", "The part of the computer that does the work: the processor (CPU), or a graphics card (GPU) in builds that can use one.";
        Domain: "Domain terms", "Words that are typical of your texts and rare elsewhere.";
        Dropout: "Dropout", "Switches off a random part of the model at each step of training, so that it does not rely on single details. Reduces overfitting.";
        EarlyStopping: "Early stopping", "Ends training when the validation metric no longer improves. It saves time, and the best checkpoint is kept anyway.";
        Embedding: "Embedding", "A list of numbers with which a model represents a text. Texts of similar meaning have similar embeddings.";
        Encoding: "Encoding", "How a file stores letters as bytes. If é looks like Ã©, the encoding is wrong. UTF-8 is usual today.";
        Epoch: "Epoch", "One round through all training rows. Two to four are usual; more can lead to overfitting.";
        Epsilon: "Epsilon", "A tiny number that keeps the optimizer from dividing by zero. Leave it unless you know why.";
        F1: "F1", "Precision and recall in one number: high only if both are. 1 is perfect, 0 is useless.";
        GradientNorm: "Gradient norm", "How strongly a batch pulls at the model. Even is normal; a sudden rise to many times its usual size is a warning sign.";
        GroupByLength: "Group by length", "Puts texts of similar length into one batch, so that less time is spent on filling up short ones.";
        Head: "Head", "The last layer, which turns what the model understood into one of your labels. It is new, unless the model was already fine-tuned for the same labels.";
        InstantBaseline: "Instant baseline", "A logistic regression on the embeddings of the pre-trained model, without training it. A trained model must beat it to be worth the time.";
        Interval: "95% interval", "The range in which the score would lie in 95 of 100 tests with similar rows. With few test rows it is wide, and small differences mean nothing.";
        LabelSmoothing: "Label smoothing", "Tells the model to be slightly less sure of every label. Helps when some labels are wrong.";
        Leakage: "Leakage", "The test set contains rows the model has seen in some form, such as copies of training rows. The score is then better than it will be on new texts.";
        LearningRate: "Learning rate", "How far the model moves at each step. Too high, and it forgets what it knew; too low, and it learns nothing. The presets choose it for you.";
        Logit: "Logit", "The raw score of a label before it becomes a probability.";
        Lora: "LoRA", "A way to train a few added numbers (an adapter) instead of the whole model. It needs less memory, and its checkpoints are small. Best for large models.";
        Loss: "Loss", "How wrong the model is, counting how sure it was. Lower is better. Its size depends on the number of labels, so compare it only within the same data.";
        MacroF1: "Macro-F1", "The mean F1 of all labels. Every label counts equally, so it drops when a rare label does badly.";
        MacroAverage: "Macro average", "Every label counts equally, however few rows it has. It drops when a rare label does badly.";
        Majority: "Majority baseline", "Always predicts the label that is most frequent in training. A model must beat it to be of any use.";
        MaxLength: "Max length", "The most tokens of a text that the model reads; the rest is cut off. A word is about 1.3 tokens. Longer is slower.";
        NearDuplicates: "Near-duplicates", "Texts that differ in a few words only. They tell the model little, and make a test too easy if one is in training and one in the test set.";
        Overfitting: "Overfitting", "The model memorises the training rows instead of learning what they have in common. The training loss falls while the validation loss rises.";
        Patience: "Patience", "How many evaluations in a row may bring no improvement before training stops.";
        Perplexity: "Perplexity", "How many tokens the model has to choose between when it predicts one, hidden or next. Lower is better; 1 means it always knows.";
        Pooling: "Pooling", "How the model's numbers for each token become one list for the whole text: those of the first or last token, or the mean of all.";
        Precision: "Precision", "Of the rows predicted as this label, the share that really have it. If it is low, the model uses the label too often.";
        NumberPrecision: "Number format", "How exactly numbers are computed. f32 is exact; bf16 is coarser and faster on some processors, with the same results for nearly all data.";
        PreTraining: "Pre-training", "The training a model had before it saw your texts, on a large amount of other text. Fine-tuning adds your labels to it.";
        Rank: "Rank", "The size of an adapter (LoRA). A higher rank can learn more and needs more memory.";
        Recall: "Recall", "Of the rows that have this label, the share the model found. If it is low, the model misses them.";
        Recompute: "Recompute activations", "Keeps less in memory during training by computing it a second time when it is needed. The result is the same, but training takes longer.";
        Safetensors: "Safetensors", "A file format for a model's weights. It holds numbers only and cannot run code.";
        Schedule: "Schedule", "How the learning rate changes during training. It usually falls towards the end, so that the model settles.";
        Seed: "Seed", "The number that chance starts from. The same seed and settings give the same result again; another seed shows how much is chance.";
        Smoothed: "Smoothed", "A running average. Single batches differ a lot, so look at this line, not at the thin one.";
        Split: "Split", "The division of the rows into a training, a validation and a test set.";
        Step: "Step", "One change of the model, after one batch of texts (or several, with gradient accumulation).";
        Stratified: "Stratified", "Each set gets the same share of every label, so that a rare label is not missing from the test set.";
        Tensor: "Tensor", "A block of numbers in a model, such as the weights of one layer.";
        TestSet: "Test set", "Rows the model never sees in training. They say how good it is on new texts.";
        TfIdf: "TF-IDF baseline", "Counts words, gives rare ones more weight, and draws a line between the labels (logistic regression). Fast, and hard to beat on simple data.";
        Token: "Token", "What a model reads instead of words: a short word, or a part of a longer one. 100 words are about 130 tokens.";
        TrainingSet: "Training set", "The rows the model learns from.";
        Truncated: "Truncated", "Cut off after max length: the model did not read the end of the text.";
        Unclear: "Unclear", "The verdict on a model if the test rows don't show that it beats the TF-IDF and instant baselines, or if there are too few of them to tell.";
        ValidationSet: "Validation set", "Rows the model does not learn from. They decide which checkpoint is best and when to stop.";
        WarmUp: "Warm-up", "The first part of training, in which the learning rate rises from 0, so that the untrained head does not spoil the rest of the model.";
        Weights: "Weights", "The numbers a model consists of. Training changes them.";
        WeightDecay: "Weight decay", "Pulls weights a little towards 0 at each step, which reduces overfitting.";
        WeightedAverage: "Weighted average", "Labels count in proportion to their rows. Frequent labels outweigh rare ones.";
    }
}
