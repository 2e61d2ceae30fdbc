#!/usr/bin/env python3
"""Compares every metric of `hone evaluate --slices --json` with scikit-learn, scipy and torchmetrics, on the predictions of a run.

    python3 tests/peers/verify_evaluation.py PROJECT EVALUATED.json

Needs scikit-learn, scipy and pyarrow. The calibration error is compared with torchmetrics where that is installed, and always with its
definition.
"""
import json, sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import bootstrap, norm
from sklearn import metrics as sk

project, evaluated = Path(sys.argv[1]), json.load(open(sys.argv[2]))
columns = pq.read_table(project / "runs" / evaluated["run"] / "predictions.parquet").to_pydict()
labels = [name.removeprefix("probability_") for name in columns if name.startswith("probability_")]
details, compared = evaluated["details"], 0


def side(name):
    """True classes and probabilities of a split, as saved."""
    rows = [row for row, of in enumerate(columns["side"]) if of == name]
    truth = np.array([labels.index(columns["label"][row]) for row in rows])
    saved = np.array([[columns[f"probability_{label}"][row] for label in labels] for row in rows], dtype=np.float32)
    return truth, saved.astype(np.float64)


def same(what, ours, theirs, tolerance=1e-9):
    global compared
    compared += 1
    if (ours is None) != (theirs is None) or (ours is not None and not abs(ours - theirs) <= tolerance):
        sys.exit(f"{what}: Hone {ours}, peer {theirs}")


truth, p = side("test")
predicted = p.argmax(1)
every = list(range(len(labels)))
rows = len(truth)

# Metrics of predicted labels.
for how in ("micro", "macro", "weighted"):
    theirs = sk.precision_recall_fscore_support(truth, predicted, average=how, zero_division=0)[:3]
    for name, value in zip(("precision", "recall", "f1"), theirs):
        if f"{how}_{name}" in evaluated:
            same(f"{how} {name}", evaluated[f"{how}_{name}"], value)
per_class = sk.precision_recall_fscore_support(truth, predicted, labels=every, zero_division=0)
for place, ours in enumerate(evaluated["per_class"]):
    for name, values in zip(("precision", "recall", "f1", "support"), per_class):
        same(f"{name} of {ours['label']}", ours[name], values[place])

brier = lambda t, q: float(np.mean(np.sum((q - np.eye(len(labels))[t]) ** 2, axis=1)))
log_loss = lambda t, q: float(np.mean(-np.log(np.maximum(q[np.arange(len(t)), t], np.finfo(np.float32).tiny))))


f1 = lambda how: lambda t, q: sk.f1_score(t, q.argmax(1), average=how, zero_division=0)
of_labels = lambda metric: lambda t, q: metric(t, q.argmax(1))
# Every metric that has an interval, of true classes and probabilities.
overall = dict(accuracy=of_labels(sk.accuracy_score), macro_f1=f1("macro"), weighted_f1=f1("weighted"),
               balanced_accuracy=of_labels(sk.balanced_accuracy_score), matthews_correlation=of_labels(sk.matthews_corrcoef),
               cohens_kappa=of_labels(sk.cohen_kappa_score), log_loss=log_loss, brier_score=brier)
theirs = {name: metric(truth, p) for name, metric in overall.items()}
for name in ("accuracy", "balanced_accuracy", "matthews_correlation", "cohens_kappa"):
    same(name, evaluated[name], theirs[name])
same("loss", evaluated["loss"], theirs["log_loss"], 1e-5)
for name, value in theirs.items():
    same(name, details["overall"][name]["value"], value)
same("log_loss", theirs["log_loss"], sk.log_loss(truth, p / p.sum(1, keepdims=True), labels=every), 1e-6)
if len(labels) > 2 and len(set(truth)) == len(labels):
    same("brier_score_loss", theirs["brier_score"], sk.brier_score_loss(truth, p / p.sum(1, keepdims=True), scale_by_half=False, labels=every), 1e-6)
if "quadratic_kappa" in details["overall"]:
    # The labels of these runs are in their order.
    same("quadratic kappa", details["overall"]["quadratic_kappa"]["value"], sk.cohen_kappa_score(truth, predicted, labels=every, weights="quadratic"))
    same("mean absolute error", details["overall"]["mean_absolute_error"]["value"], sk.mean_absolute_error(truth, predicted))

# Intervals, within Monte Carlo error: an end of a bootstrap of 1,000 resamples and one of 2,000 differ by 0.10 standard errors
# (sqrt(0.025 * 0.975 / resamples) over the normal density there, 0.0584). Of a hundred ends, none should differ by 4.5 times that.
if rows >= 20:
    def interval(what, ours, statistic):
        found = bootstrap((np.arange(rows),), statistic, n_resamples=2000, method="percentile", rng=np.random.default_rng(1), vectorized=False)
        low, high = found.confidence_interval
        for ours, theirs in zip(ours, (low, high)):
            same(f"interval of {what}", ours, theirs, max(0.47 * found.standard_error, 1e-9))

    for name in theirs:
        interval(name, details["overall"][name]["interval_95"], lambda drawn: overall[name](truth[drawn], p[drawn]))
    for place, ours in enumerate(details["class_intervals"]):
        for which, name in enumerate(("precision", "recall", "f1")):
            interval(f"{name} of {ours['label']}", ours[name], lambda drawn: sk.precision_recall_fscore_support(
                truth[drawn], predicted[drawn], labels=[place], zero_division=0)[which][0])

# ROC and precision-recall, one label against the rest.
areas, precisions = [], []
for place, ours in enumerate(details["curves"]):
    is_it = truth == place
    if not 0 < is_it.sum() < rows:
        continue
    areas.append(sk.roc_auc_score(is_it, p[:, place]))
    precisions.append(sk.average_precision_score(is_it, p[:, place]))
    same(f"ROC AUC of {ours['label']}", ours["roc_auc"], areas[-1])
    same(f"average precision of {ours['label']}", ours["average_precision"], precisions[-1])
    false, true, _ = sk.roc_curve(is_it, p[:, place], drop_intermediate=False)
    precision, recall, _ = sk.precision_recall_curve(is_it, p[:, place])
    for name, curve, points in (("ROC", (false, true), ours["roc"]), ("PR", (recall, precision), ours["precision_recall"])):
        known = {(round(x, 9), round(y, 9)) for x, y in zip(*curve)}
        if not {(round(x, 9), round(y, 9)) for x, y in points} <= known:
            sys.exit(f"The {name} curve of {ours['label']} has points that scikit-learn's does not have")
        compared += 1
same("macro ROC AUC", details["overall"]["macro_roc_auc"]["value"], np.mean(areas))
same("macro average precision", details["overall"]["macro_average_precision"]["value"], np.mean(precisions))


def calibration_error(t, q):
    """The definition (Guo et al. 2017): 15 bins of equal width, the row-weighted distance of mean confidence and accuracy."""
    confidence, right = q.max(1), q.argmax(1) == t
    bins = np.floor(confidence * 15)
    return sum(abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins))


def temper(q, temperature):
    powers = np.maximum(q, np.finfo(np.float32).tiny) ** (1 / temperature)
    return powers / powers.sum(1, keepdims=True)


error = details["overall"]["calibration_error"]["value"]
same("calibration error", error, calibration_error(truth, p))
try:
    import torch
    from torchmetrics.functional.classification import multiclass_calibration_error
    by_torch = multiclass_calibration_error(torch.tensor(p), torch.tensor(truth), num_classes=len(labels), n_bins=15, norm="l1")
    same("calibration error of torchmetrics", error, float(by_torch), 1e-6)
except ImportError:
    print("The calibration error was compared with its definition only: this Python has no torchmetrics.")

# The temperature, fitted on the validation rows.
validation_truth, validation_p = side("validation")
if details["calibration"]:
    ours = details["calibration"]
    best = minimize_scalar(lambda b: log_loss(validation_truth, temper(validation_p, 1 / b)), bounds=(0.05, 20), method="bounded", options=dict(xatol=1e-10))
    same("temperature", ours["temperature"], 1 / best.x, 1e-4 / best.x)
    tempered = temper(p, ours["temperature"])
    same("log loss at it", ours["log_loss"], log_loss(truth, tempered))
    same("Brier score at it", ours["brier_score"], brier(truth, tempered))
    same("calibration error at it", ours["calibration_error"], calibration_error(truth, tempered))

# Coverage against accuracy.
for point in details["coverage"]:
    decided = p.max(1) >= point["threshold"]
    same("coverage", point["coverage"], decided.mean())
    same("accuracy of the decided rows", point["accuracy"], (predicted == truth)[decided].mean())


def newcombe(right, n, other_right, other_n, z):
    def wilson(right, n):
        middle, half = right / n + z * z / (2 * n), z * np.sqrt(right / n * (1 - right / n) / n + z * z / (4 * n * n))
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
    (low, high), (other_low, other_high) = wilson(right, n), wilson(other_right, other_n)
    a, b = right / n, other_right / other_n
    return a - b - np.hypot(a - low, other_high - b), a - b + np.hypot(high - a, b - other_low)


# Slices: Newcombe's interval at the levels of Holm's method.
found = evaluated["slices"]["slices"]
all_right = int((predicted == truth).sum())
counts = []
for ours in found:
    n = ours["rows"]
    right = round(ours["accuracy"] * n)
    same(f"accuracy elsewhere than {ours['name']}", ours["accuracy_elsewhere"], (all_right - right) / (rows - n))
    counts.append((right, n, all_right - right, rows - n))
end = lambda z, c: (lambda low, high: high if c[0] / c[1] < c[2] / c[3] else -low)(*newcombe(*c, z))
clear = [0 if end(1e-6, c) >= 0 else brentq(lambda z: end(z, c), 1e-6, 38) for c in counts]
level = None
for place, index in enumerate(sorted(range(len(found)), key=lambda index: -clear[index])):
    z = level or norm.isf(0.025 / (len(found) - place))
    level = z if clear[index] <= z else level
    for ours, theirs in zip(found[index]["difference"], newcombe(*counts[index], z)):
        same(f"difference of {found[index]['name']}", ours, theirs, 1e-7)
    same(f"worse: {found[index]['name']}", found[index]["is_worse"], bool(found[index]["difference"][1] < 0))

print(f"{compared} figures of {rows} rows equal those of scikit-learn, scipy and their definitions.")
