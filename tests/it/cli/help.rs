//! The help of every command.

use insta::assert_snapshot;

use crate::cli::Place;

#[test]
fn help_of_hone() {
    assert_snapshot!(Place::new().terminal("hone --help"), @r"
    $ hone --help
    Fine-tune pre-trained language models on your own data, on your own machine

    Usage: hone [PROJECT]
           hone <COMMAND>

    Commands:
      new             Create a project from a file of texts, or a folder of documents
      train           Fine-tune a project's model
      evaluate        Evaluate a trained model on its test set or on another file
      predict         Predict a label for every row of a file
      continue        Continue a text with a language model such as GPT-2, before and after training
      export          Save a trained model for other tools
      inspect         Inspect a data file: columns, labels, lengths, bad rows, leakage
      models          List models, search the Hugging Face Hub, or download a model
      find-lr         Find a learning rate: train a few steps with rising rates, and look where the loss falls
      cv              Cross-validate: train and test on k folds of the rows, and say how much the metrics vary
      seeds           Train the same settings with several seeds, and say how much results vary by chance
      learning-curve  Train on 10, 25, 50 and 100% of the training rows, and say whether more labelled rows would help
      search          Search for better settings: trials on the validation rows, then the best once on the test rows
      best            Find the best model in some minutes: an instant one, then as much training as fits, then other settings
      studies         List a project's studies: cross-validations, repeated seeds, learning curves and searches
      runs            List a project's training runs; name, star, tag, delete and restore them, free their disk space
      compare         Compare two runs of a project on the same rows
      report          Write a report on a run for other people: one HTML file, or Markdown
      curves          Save the learning curves of runs as SVG, PNG or CSV
      bench           Measure how fast this machine trains
      help            Print this message or the help of the given subcommand(s)

    Arguments:
      [PROJECT]  Project to open in the window: a folder with a project.ron

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Without a command, Hone opens its window.

    Results go to standard output, progress to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 training stopped early, by you or because it diverged.
    ");
}

#[test]
fn help_of_new() {
    assert_snapshot!(Place::new().terminal("hone new --help"), @r#"
        $ hone new --help
        Create a project from a file of texts, or a folder of documents

        Usage: hone new [OPTIONS] --data <FILE> <FOLDER>

        Arguments:
          <FOLDER>  Folder to create the project in

        Options:
              --data <FILE>             File of texts (CSV, TSV, JSON, Parquet, XLSX, ODS, ...), or a folder of such files or of documents (.docx, .txt, .md); repeat it to append files
              --task <TASK>             classify: predict a label for each text. adapt: continue a model's pre-training on your own texts, without labels [default: classify]
              --text <COLUMN>           Text column [default: guessed]
              --title <COLUMN>          Column to prepend to the text; can be repeated [default: guessed, unless --text is given]
              --label <COLUMN>          Label column; repeat it for one-hot label columns of 0 and 1 [default: guessed]
              --id <COLUMN>             Column of row ids, copied to the predictions [default: guessed, unless --text is given]
              --validation <FILE>       Separate file to use as the validation set
              --test <FILE>             Separate file to use as the test set
              --model <ID|FOLDER|NAME>  Pre-trained model: an id from `hone models list`, a Hugging Face folder, a project with --task adapt, or owner/name or owner/name@revision of the Hugging Face Hub. If several match, an id comes first, then a folder, then a model of the Hub
              --name <NAME>             Name of the project [default: the folder's name]
              --group <COLUMN>          Column of customers, documents, ...: rows with the same value stay in the same split
              --time <COLUMN>           Column of dates: train on the oldest rows, test on the newest
              --split-column <COLUMN>   Column that says which split each row is in: train, validation or test
              --delimiter <CHAR>        Field separator: one character, or comma, semicolon, tab, pipe [default: detected]
              --encoding <NAME>         Encoding, such as utf-8 or windows-1252 [default: detected]
              --no-header               The file has no header line; columns are numbered [default: detected]
              --header-row <N>          Line of a text file, or row of a sheet, that names the columns [default: detected]
              --sheet <NAME>            Sheet of a workbook [default: the first one that is not empty]
              --replace <FIND=REPLACE>  Replace words in every text, or regex:FIND=REPLACE; can be repeated, applied in order
              --set <SETTING=VALUE>     A setting, such as training.epochs=3 or split.test=500rows; can be repeated
              --force                   Replace an existing project (its runs are kept)
          -h, --help                    Print help

        --replace ignores case, and applies before training and before every prediction. With nothing after the =,
        the words are removed. If FIND starts with regex:, it is a regular expression, and REPLACE can use its groups:
        --replace 'regex:(\d+) EUR=$1 euros'. For more, such as an = in FIND:
        --set 'cleaning.patterns=[{"find": "a=b", "replace": "c", "match_case": true}]'
        "#);
}

#[test]
fn help_of_train() {
    assert_snapshot!(Place::new().terminal("hone train --help"), @r"
        $ hone train --help
        Fine-tune a project's model

        Usage: hone train [OPTIONS] <PROJECT>

        Arguments:
          <PROJECT>  Project folder

        Options:
              --set <SETTING=VALUE>    A setting for this run only, such as training.epochs=3 or lr=2e-5; can be repeated
              --device <DEVICE>        Device to train on: auto, cpu, cuda or metal
              --precision <PRECISION>  Precision of matrix products: auto, f32 or bf16
              --dry-run                Only measure the time, memory and disk space the run needs on this machine
              --each-way               With --dry-run, measure every way to train: all layers, the top ones, an adapter, the head, instant
              --resume                 Go on with a run that was interrupted, with the settings that it began with
              --run <ID>               Run to resume [default: the newest that was interrupted]
              --notify                 Show a desktop notification when it ends
              --fetch                  Download the model first if it is not on this machine
              --json                   Print the result as one JSON object
          -h, --help                   Print help
        ");
}

#[test]
fn help_of_evaluate() {
    assert_snapshot!(Place::new().terminal("hone evaluate --help"), @r"
        $ hone evaluate --help
        Evaluate a trained model on its test set or on another file

        Usage: hone evaluate [OPTIONS] <PROJECT>

        Arguments:
          <PROJECT>  Project folder

        Options:
              --run <ID>          Run to use [default: the newest that was not stopped early]
              --data <FILE>       Labelled file with the project's columns [default: the run's test set]
              --delimiter <CHAR>  Field separator: one character, or comma, semicolon, tab, pipe [default: detected]
              --encoding <NAME>   Encoding, such as utf-8 or windows-1252 [default: detected]
              --no-header         The file has no header line; columns are numbered [default: detected]
              --header-row <N>    Line of a text file, or row of a sheet, that names the columns [default: detected]
              --sheet <NAME>      Sheet of a workbook [default: the first one that is not empty]
              --slices            Also find where the model does worse: slices of the test set by length, language, column and finding
              --json              Print the result as one JSON object
          -h, --help              Print help
        ");
}

#[test]
fn help_of_predict() {
    assert_snapshot!(Place::new().terminal("hone predict --help"), @r"
        $ hone predict --help
        Predict a label for every row of a file

        Usage: hone predict [OPTIONS] <PROJECT|MODEL_FOLDER> <FILE>

        Arguments:
          <PROJECT|MODEL_FOLDER>  Project folder, or trained model folder
          <FILE>                  File of texts

        Options:
              --out <FILE>         CSV, XLSX or Parquet file to write: the file's columns, the predicted label, and the probability of each label [default: only show the counts and the first rows]
              --threshold <SHARE>  Least probability, such as 0.8, with which a row gets its label; below it, the row is 'undecided' [default: none]
              --uncalibrated       Give the probabilities of the network itself, not calibrated by the model's temperature; the labels are the same
              --force              Replace the output file if it exists
              --text <COLUMN>      Text column [default: the one the model was trained on]
              --delimiter <CHAR>   Field separator: one character, or comma, semicolon, tab, pipe [default: detected]
              --encoding <NAME>    Encoding, such as utf-8 or windows-1252 [default: detected]
              --no-header          The file has no header line; columns are numbered [default: detected]
              --header-row <N>     Line of a text file, or row of a sheet, that names the columns [default: detected]
              --sheet <NAME>       Sheet of a workbook [default: the first one that is not empty]
              --run <ID>           Run to use [default: the newest that was not stopped early]
              --raw                Write a CSV for programs, not for Excel: without a byte order mark, and with cells that begin with = + - @ as they are
              --json               Print the result as one JSON object
          -h, --help               Print help
        ");
}

#[test]
fn help_of_export() {
    assert_snapshot!(Place::new().terminal("hone export --help"), @r"
        $ hone export --help
        Save a trained model for other tools

        Usage: hone export [OPTIONS] --format <FORMAT> --out <FOLDER> <PROJECT>

        Arguments:
          <PROJECT>
                  Project folder

        Options:
              --format <FORMAT>
                  What to write

                  Possible values:
                  - hf:          Hugging Face folder that loads unchanged in transformers or sentence-transformers
                  - adapter:     Only the LoRA adapter and its head, as a folder that loads unchanged in peft
                  - safetensors: Weights as one safetensors file
                  - predictions: Predictions on the test set, as CSV

              --out <FOLDER>
                  Folder to write to; must be empty or not exist

              --run <ID>
                  Run to use [default: the newest that was not stopped early]

              --calibrated
                  With --format hf: divide the last layer by the model's temperature, so that every program gets calibrated probabilities

              --raw
                  Write cells of predictions as they are, also those that begin with = + - @ and that a spreadsheet would run as formulas

              --json
                  Print the result as one JSON object

          -h, --help
                  Print help (see a summary with '-h')
        ");
}

#[test]
fn help_of_inspect() {
    assert_snapshot!(Place::new().terminal("hone inspect --help"), @r"
        $ hone inspect --help
        Inspect a data file: columns, labels, lengths, bad rows, leakage

        Usage: hone inspect [OPTIONS] <FILE>...

        Arguments:
          <FILE>...  Data file or folder; further files are appended

        Options:
              --task <TASK>            classify: predict a label for each text. adapt: continue a model's pre-training on your own texts, without labels [default: classify]
              --text <COLUMN>          Text column [default: guessed]
              --title <COLUMN>         Column to prepend to the text; can be repeated [default: guessed, unless --text is given]
              --label <COLUMN>         Label column; repeat it for one-hot label columns of 0 and 1 [default: guessed]
              --id <COLUMN>            Column of row ids, copied to the predictions [default: guessed, unless --text is given]
              --group <COLUMN>         Column of customers, documents, ...: rows with the same value stay in the same split
              --time <COLUMN>          Column of dates: train on the oldest rows, test on the newest
              --split-column <COLUMN>  Column that says which split each row is in: train, validation or test
              --delimiter <CHAR>       Field separator: one character, or comma, semicolon, tab, pipe [default: detected]
              --encoding <NAME>        Encoding, such as utf-8 or windows-1252 [default: detected]
              --no-header              The file has no header line; columns are numbered [default: detected]
              --header-row <N>         Line of a text file, or row of a sheet, that names the columns [default: detected]
              --sheet <NAME>           Sheet of a workbook [default: the first one that is not empty]
              --bad-rows <FILE>        Write the rows that could not be read to this CSV file, with reasons
              --only-read              Only read the rows and summarise the columns, without analysing the texts: faster for very large files
              --json                   Print the result as one JSON object
          -h, --help                   Print help
        ");
}

#[test]
fn help_of_models_and_runs() {
    assert_snapshot!(
        Place::new().terminal(
            "
            hone models --help
            hone models list --help
            hone models fetch --help
            hone runs --help
            "
        ),
        @r"
        $ hone models --help
        List models, search the Hugging Face Hub, or download a model

        Usage: hone models <COMMAND>

        Commands:
          list     List the models Hone knows
          search   Search the Hugging Face Hub for models, and say which Hone can train
          fetch    Download a model and check it
          convert  Turn a GGUF file of the Llama family into a model folder to train
          help     Print this message or the help of the given subcommand(s)

        Options:
          -h, --help  Print help

        $ hone models list --help
        List the models Hone knows

        Usage: hone models list [OPTIONS]

        Options:
              --json  Print the list as one JSON object
          -h, --help  Print help

        $ hone models fetch --help
        Download a model and check it

        Usage: hone models fetch <NAME>

        Arguments:
          <NAME>  Id of the model, from `hone models list`; or owner/name or owner/name@revision of the Hugging Face Hub. If both match, the id comes first

        Options:
          -h, --help  Print help

        $ hone runs --help
        List a project's training runs; name, star, tag, delete and restore them, free their disk space

        Usage: hone runs [OPTIONS] <PROJECT>
               hone runs <COMMAND>

        Commands:
          name     Give a run a name, or remove it with an empty one
          note     Write a note about a run, or remove it with an empty one
          star     Star runs, so that they are found again and keep their weights
          unstar   Remove the star of runs
          tag      Add tags to a run
          untag    Remove tags of a run
          stop     Ask runs that are training, in the window or in another terminal, to stop and keep their best checkpoint
          delete   Move runs to the project's bin
          restore  Move runs from the bin back
          bin      List the bin, or empty it
          free     Free disk space: show what can go, and remove it with --yes

        Arguments:
          <PROJECT>  Project folder

        Options:
              --sort <BY>        What the list is sorted by: newest, score, name, trained, time or disk [default: newest]
              --filter <FILTER>  Only list these: star, tag=TAG, or words of the name, note, tags or model; can be repeated
              --json             Print the list as one JSON object
          -h, --help             Print help
        "
    );
}

#[test]
fn help_of_bench() {
    assert_snapshot!(
        Place::new().terminal(
            "
            hone bench --help
            hone bench step --help
            hone bench tokenise --help
            "
        ),
        @r"
        $ hone bench --help
        Measure how fast this machine trains

        Usage: hone bench <COMMAND>

        Commands:
          step      Time training steps on random tokens and print the result as one JSON object
          tokenise  Time tokenising the texts of a file and print the result as one JSON object
          help      Print this message or the help of the given subcommand(s)

        Options:
          -h, --help  Print help

        $ hone bench step --help
        Time training steps on random tokens and print the result as one JSON object

        Usage: hone bench step [OPTIONS]

        Options:
              --model <ID|FOLDER|NAME>  Model: an id from `hone models list`, a Hugging Face folder, or owner/name of the Hugging Face Hub [default: minilm-l6]
              --task <TASK>             classify: a classifier of 3 labels. adapt: a language model that predicts 15% of the tokens, masked, or each next one [default: classify]
              --lora                    Train only an adapter of the default rank (LoRA) and the head
              --recompute               Compute activations again in the backward pass instead of keeping them
              --batch <BATCH>           Texts per step, computed as one batch [default: 32]
              --len <LEN>               Tokens per text [default: 64]
              --device <DEVICE>         Device to train on: auto, cpu, cuda or metal
              --precision <PRECISION>   Precision of matrix products: auto, f32 or bf16
              --steps <STEPS>           Number of steps to time [default: 12]
          -h, --help                    Print help

        $ hone bench tokenise --help
        Time tokenising the texts of a file and print the result as one JSON object

        Usage: hone bench tokenise [OPTIONS] <DATA>

        Arguments:
          <DATA>  File of texts

        Options:
              --text <COLUMN>           Text column [default: guessed]
              --model <ID|FOLDER|NAME>  Model: an id from `hone models list`, a Hugging Face folder, or owner/name of the Hugging Face Hub [default: minilm-l6]
              --len <LEN>               Max length in tokens [default: 128]
          -h, --help                    Print help
        "
    );
}
