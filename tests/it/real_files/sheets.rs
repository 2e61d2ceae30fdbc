//! Workbooks, Parquet files, given splits, files for a trained model, and models that cannot be used.
