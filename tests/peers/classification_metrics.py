#!/usr/bin/env python3
"""Makes tests/fixtures/classification_metrics.json with scikit-learn: figures that Hone's must equal.

Needs scikit-learn:  python3 tests/peers/classification_metrics.py > tests/fixtures/classification_metrics.json
"""
import json, random
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss, precision_recall_fscore_support

r = random.Random(7)

def case(classes, truth, predicted):
    every = list(range(classes))
    per = precision_recall_fscore_support(truth, predicted, labels=every, zero_division=0)
    mean = lambda how: [float(x) for x in precision_recall_fscore_support(truth, predicted, average=how, zero_division=0)[:3]]
    return dict(classes=classes, truth=truth, predicted=predicted, accuracy=accuracy_score(truth, predicted),
                macro=mean("macro"), weighted=mean("weighted"),
                per_class=[[float(per[k][c]) for k in range(3)] + [int(per[3][c])] for c in every],
                confusion=confusion_matrix(truth, predicted, labels=every).tolist())

def noisy(classes, rows, right):
    truth = [min(int(r.expovariate(0.9)), classes - 1) for _ in range(rows)]
    return truth, [t if r.random() < right else r.randrange(classes) for t in truth]

cases = [case(3, *noisy(3, 200, 0.8)), case(7, *noisy(7, 500, 0.6)),
         case(4, [0, 0, 1, 1, 3], [0, 1, 1, 3, 3]),      # label 2 is nowhere
         case(3, [0, 0, 1], [0, 2, 2]),                  # 2 predicted, never true; 1 true, never predicted
         case(2, [1, 1, 1], [1, 1, 1])]

truth, predicted = (np.array(x) for x in noisy(3, 400, 0.75))
g = np.random.default_rng(0)
resampled = [f1_score(truth[i], predicted[i], average="macro", zero_division=0)
             for i in (g.integers(0, len(truth), len(truth)) for _ in range(10_000))]
bootstrap = dict(truth=truth.tolist(), predicted=predicted.tolist(), interval=np.percentile(resampled, [2.5, 97.5]).tolist())

words = [["great", "love", "happy", "perfect", "thanks"], ["okay", "average", "fine", "usual"], ["bad", "broken", "late", "awful", "refund", "never"]]
shared = ["the", "item", "arrived", "it", "was", "I", "delivery", "quality", "a", "shop", "and", "Über_gut", "don't"]
def text(label):
    return " ".join(r.choice(words[label] if r.random() < 0.3 else r.choice([shared, shared, words[r.randrange(3)]])) for _ in range(r.randint(3, 12)))
def rows(n):
    labels = [r.choices(range(3), [5, 1, 3])[0] for _ in range(n)]
    return dict(texts=[text(l) for l in labels], labels=labels)
train, test = rows(150), rows(60)
vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
model = LogisticRegression(class_weight="balanced", max_iter=10_000, tol=1e-10).fit(vectorizer.fit_transform(train["texts"]), train["labels"])
features = vectorizer.transform(test["texts"])
probabilities = model.predict_proba(features)
tfidf = dict(train=train, test=test, features=len(vectorizer.vocabulary_), loss=log_loss(test["labels"], probabilities),
             confusion=confusion_matrix(test["labels"], model.predict(features), labels=[0, 1, 2]).tolist())
print(json.dumps(dict(cases=cases, bootstrap=bootstrap, tfidf=tfidf)))
