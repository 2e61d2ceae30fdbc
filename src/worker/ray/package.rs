//! What all jobs of a study need, in packages that Ray unpacks on each node: the project, its data, the model and this program.
//!
//! Ray accepts packages of up to 100 MiB, and models are larger. So each file is cut into pieces named by its hash, and a package
//! holds as many pieces as it has room for. The first package has a list of all files, by which a job puts them together again.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::data::file_sha256;
use crate::progress::{Control, Progress, Watch};
use crate::project::{ModelChoice, Project};
use crate::storage::{SPLIT_FILE, StorageError, files_below, join_pieces};
use crate::words::bytes;
use crate::worker::JobError;
use crate::worker::ray::names::{package_name, sha256};

/// Bytes of a package before it is compressed. Compressed, it is never larger than Ray accepts.
const PACKAGE_BYTES: u64 = 64 << 20;
/// The most that is sent: the head node keeps all of it in memory.
const MOST_BYTES: u64 = 4 << 30;
/// The most files that are sent.
const MOST_FILES: usize = 100_000;
/// Levels of folders that are sent.
const MOST_LEVELS: usize = 8;
/// The list of all files, in the first package.
const LIST: &str = "hone-files.json";
/// The program's place among the files.
pub(super) const PROGRAM: &str = "hone";
/// The model's place among the files.
pub(super) const MODEL: &str = "model";
/// The place of the data files.
const DATA: &str = "data";

/// Everything a job needs to know beside its task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FileList {
    /// The study's project in RON. Its paths are relative to the folder that the files are put together in.
    pub project: String,
    /// See `Prepared::data_hash`.
    pub data_hash: String,
    /// The files.
    pub files: Vec<ListedFile>,
}

/// A file that is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ListedFile {
    /// Its path in the job's folder, with `/`.
    pub path: String,
    /// SHA-256.
    pub sha256: String,
    /// Number of pieces; 0 of an empty file.
    pub pieces: u32,
}

/// Where the files of a study are on this machine.
pub(super) struct Sources<'a> {
    /// Hone itself.
    pub program: &'a Path,
    /// The project's folder.
    pub folder: &'a Path,
    /// The model's folder.
    pub model: &'a Path,
}

/// A part of a file.
#[derive(Clone, Debug)]
struct Piece {
    name: String,
    file: PathBuf,
    from: u64,
    bytes: u64,
}

/// A package.
#[derive(Clone, Debug)]
pub(super) struct Package {
    /// Its name on the cluster.
    pub name: String,
    pieces: Vec<Piece>,
    /// [`LIST`], in the first package.
    list: Option<Vec<u8>>,
}

/// The packages of a study, which are put together when they are uploaded.
#[derive(Clone, Debug)]
pub(super) struct Packages {
    /// The first one has the list of all files.
    pub packages: Vec<Package>,
    /// The program among the files.
    pub program: ListedFile,
}

impl ListedFile {
    /// The name of one of its pieces.
    fn piece(&self, index: u32) -> String {
        piece_name(&self.sha256, index)
    }
}

fn piece_name(sha256: &str, index: u32) -> String {
    format!("{sha256}.{index}")
}

impl Packages {
    /// The packages of a project. All files are read once, for their hashes.
    pub fn of(
        (project, data_hash): (&Project, &str),
        from: &Sources<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<Self, JobError> {
        let (sent, found) = files_of(project, from)?;
        let total = found.iter().map(|(_, path)| path.metadata().map_or(0, |about| about.len())).sum::<u64>();
        if total > MOST_BYTES {
            return Err(JobError::Failed(format!(
                "The project's data, its model and Hone take {}, and a Ray cluster is sent {} at most. Choose a smaller model, or run \
                 the study on one machine, without --ray.",
                bytes(total),
                bytes(MOST_BYTES)
            )));
        }
        let (mut files, mut pieces) = (Vec::new(), Vec::new());
        for (place, (path, file)) in found.iter().enumerate() {
            watch.advance("Reading what the cluster needs", place, found.len(), "files")?;
            let listed = listed(path, file, watch.control)?;
            let known = files.iter().any(|other: &ListedFile| other.sha256 == listed.sha256);
            if !known {
                let length = file.metadata().map_err(StorageError::io("read", file))?.len();
                pieces.extend((0..listed.pieces).map(|index| {
                    let from = u64::from(index) * PACKAGE_BYTES;
                    let bytes = (length - from.min(length)).min(PACKAGE_BYTES);
                    Piece { name: listed.piece(index), file: file.clone(), from, bytes }
                }));
            }
            files.push(listed);
        }
        let program = files.iter().find(|file| file.path == PROGRAM).cloned();
        let program = program.ok_or_else(|| JobError::Failed("Hone's own program file was not found.".to_owned()))?;
        let project = ron::to_string(&sent).map_err(JobError::failed)?;
        let list = FileList { project, data_hash: data_hash.to_owned(), files };
        let list = serde_json::to_vec(&list).map_err(JobError::failed)?;
        let first = Package { name: package_name(&sha256(&list)), pieces: Vec::new(), list: Some(list) };
        let packages = std::iter::once(first).chain(packed(pieces)).collect();
        Ok(Self { packages, program })
    }

    /// The command that puts the program together and runs it with `arguments`, for a POSIX shell, on one line.
    pub fn command(&self, arguments: &str) -> String {
        let ListedFile { sha256, pieces, .. } = &self.program;
        // The folder is removed at the end, also when Ray stops the job. Other jobs of the node share the packages.
        format!(
            "d=$(mktemp -d \"${{TMPDIR:-/tmp}}/hone-trial-XXXXXX\") || exit 1; trap 'rm -rf \"$d\"' EXIT; trap 'exit 143' TERM INT; \
             IFS=:; i=0; while [ $i -lt {pieces} ]; do for p in \"$PWD\" $PYTHONPATH; do if [ -f \"$p/{sha256}.$i\" ]; then \
             cat \"$p/{sha256}.$i\" >> \"$d/{PROGRAM}\" || exit 1; break; fi; done; i=$((i+1)); done; \
             chmod +x \"$d/{PROGRAM}\" && \"$d/{PROGRAM}\" {arguments}; exit $?"
        )
    }
}

impl Package {
    /// The zip file.
    pub fn zip(&self) -> Result<Vec<u8>, JobError> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_level(Some(1));
        let failed =
            |error: zip::result::ZipError| JobError::Failed(format!("A package could not be put together: {error}."));
        if let Some(list) = &self.list {
            zip.start_file(LIST, options).map_err(failed)?;
            zip.write_all(list).map_err(|error| failed(error.into()))?;
        }
        for piece in &self.pieces {
            zip.start_file(&piece.name, options).map_err(failed)?;
            let bytes = piece.read().map_err(StorageError::io("read", &piece.file))?;
            zip.write_all(&bytes).map_err(|error| failed(error.into()))?;
        }
        Ok(zip.finish().map_err(failed)?.into_inner())
    }
}

impl Piece {
    fn read(&self) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(&self.file)?;
        file.seek(SeekFrom::Start(self.from))?;
        let mut bytes = Vec::new();
        file.take(self.bytes).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl FileList {
    /// The list in one of the folders that packages were unpacked into.
    pub fn read(packages: &[PathBuf]) -> Result<Self, JobError> {
        let path = packages.iter().map(|folder| folder.join(LIST)).find(|path| path.is_file());
        let path = path.ok_or_else(|| JobError::Failed(format!("There is no {LIST} in the job's packages.")))?;
        let text = std::fs::read(&path).map_err(StorageError::io("read", &path))?;
        serde_json::from_slice(&text).map_err(JobError::failed)
    }

    /// Puts all files but the program together in `place`.
    pub fn put_together(&self, packages: &[PathBuf], place: &Path, watch: &mut Watch<'_>) -> Result<(), JobError> {
        for (done, file) in self.files.iter().enumerate().filter(|(_, file)| file.path != PROGRAM) {
            watch.advance("Putting the project together", done, self.files.len(), "files")?;
            let found = |index: u32| {
                let name = file.piece(index);
                let piece = packages.iter().map(|folder| folder.join(&name)).find(|path| path.is_file());
                piece.ok_or_else(|| {
                    JobError::Failed(format!("A piece of {} is missing from the job's packages.", file.path))
                })
            };
            let pieces = (0..file.pieces).map(found).collect::<Result<Vec<PathBuf>, JobError>>()?;
            let path = place.join(&file.path);
            join_pieces(&path, &pieces)?;
            let hash = file_sha256(&path, Some(watch.control)).map_err(StorageError::io("read", &path))?;
            if hash.as_deref().is_some_and(|hash| hash != file.sha256) {
                return Err(JobError::Failed(format!("{} was damaged on its way to the cluster.", file.path)));
            }
        }
        watch.progress(Progress::stage("Preparing the trial"));
        Ok(())
    }
}

/// The project as it is sent, and the files with their places in the job's folder.
fn files_of(
    project: &Project,
    &Sources { program, folder, model }: &Sources<'_>,
) -> Result<(Project, Vec<(String, PathBuf)>), JobError> {
    let mut files = vec![(PROGRAM.to_owned(), program.to_owned())];
    let split = folder.join(SPLIT_FILE);
    if split.is_file() {
        files.push((SPLIT_FILE.to_owned(), split));
    }
    let mut sent = project.clone();
    if let ModelChoice::Folder(path) = &mut sent.model {
        *path = MODEL.into();
    }
    add_files(model, MODEL, &mut files)?;
    let dataset = &mut sent.dataset;
    let named =
        dataset.main.iter_mut().chain(&mut dataset.more).chain(&mut dataset.validation).chain(&mut dataset.test);
    for (place, path) in named.enumerate() {
        let from = folder.join(&*path);
        let own = from.file_name().and_then(|name| name.to_str());
        // Its own name says how a file is read, and those of folders can be labels.
        let to = format!("{DATA}/{place}/{}", own.ok_or_else(|| StorageError::NotUtf8(from.clone()))?);
        *path = PathBuf::from(&to);
        if from.is_dir() {
            add_files(&from, &to, &mut files)?;
        } else {
            files.push((to, from));
        }
    }
    Ok((sent, files))
}

/// Adds the files below `folder`, without hidden ones, each with its place below `place`.
fn add_files(folder: &Path, place: &str, files: &mut Vec<(String, PathBuf)>) -> Result<(), JobError> {
    files.extend(files_below(folder, place, MOST_LEVELS, |name| !name.starts_with('.'))?);
    if files.len() > MOST_FILES {
        return Err(JobError::Failed(format!(
            "{} has too many files to be sent to a Ray cluster. Put the rows into one file, or run the study without --ray.",
            folder.display()
        )));
    }
    Ok(())
}

fn listed(path: &str, file: &Path, control: &Control) -> Result<ListedFile, JobError> {
    let sha256 =
        file_sha256(file, Some(control)).map_err(StorageError::io("read", file))?.ok_or(JobError::Cancelled)?;
    let length = file.metadata().map_err(StorageError::io("read", file))?.len();
    let pieces = u32::try_from(length.div_ceil(PACKAGE_BYTES)).unwrap_or(u32::MAX);
    Ok(ListedFile { path: path.to_owned(), sha256, pieces })
}

/// Packages of these pieces, in order.
fn packed(pieces: Vec<Piece>) -> Vec<Package> {
    let mut groups: Vec<(u64, Vec<Piece>)> = Vec::new();
    for piece in pieces {
        match groups.last_mut() {
            Some((bytes, group)) if *bytes + piece.bytes <= PACKAGE_BYTES => {
                *bytes += piece.bytes;
                group.push(piece);
            }
            _ => groups.push((piece.bytes, vec![piece])),
        }
    }
    let package = |(_, pieces): (u64, Vec<Piece>)| {
        let names: Vec<&str> = pieces.iter().map(|piece| piece.name.as_str()).collect();
        Package { name: package_name(&sha256(names.join("\n").as_bytes())), pieces, list: None }
    };
    groups.into_iter().map(package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unpacks a package as Ray does.
    fn unpack(package: &Package, folder: &Path) -> PathBuf {
        let folder = folder.join(&package.name);
        zip::ZipArchive::new(Cursor::new(package.zip().unwrap())).unwrap().extract(&folder).unwrap();
        folder
    }

    fn nothing(_: Progress) {}

    #[test]
    fn files_are_put_together_as_they_were() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| {
            let path = place.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        };
        // More than a package holds.
        let large: Vec<u8> = (0..PACKAGE_BYTES + 1000).map(|byte| (byte % 251) as u8).collect();
        write("model/weights.bin", &large);
        write("model/1_Pooling/config.json", b"{}");
        write("model/.cache/x", b"hidden");
        write("model/empty", b"");
        let mut project = Project::default();
        project.dataset.main = Some(write("shop/reviews.csv", b"rows"));
        project.dataset.more = vec![write("other/reviews.csv", b"more rows").parent().unwrap().to_owned()];
        project.model = ModelChoice::Folder(place.path().join("model"));
        let (control, report) = (Control::default(), &mut nothing);
        let mut watch = Watch { control: &control, report };
        let program = write("program", b"#!/bin/sh");
        let from = Sources { program: &program, folder: place.path(), model: &place.path().join("model") };
        let packages = Packages::of((&project, "ab"), &from, &mut watch).unwrap();
        let again = Packages::of((&project, "ab"), &from, &mut watch).unwrap();
        let names =
            |packages: &Packages| packages.packages.iter().map(|package| package.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&packages), names(&again), "the same files have the same names");
        assert!(packages.packages.len() > 2);
        let unpacked: Vec<PathBuf> = packages.packages.iter().map(|package| unpack(package, place.path())).collect();
        let list = FileList::read(&unpacked).unwrap();
        let there = place.path().join("there");
        list.put_together(&unpacked, &there, &mut watch).unwrap();
        let read = |name: &str| std::fs::read(there.join(name)).unwrap();
        assert!(read("model/weights.bin") == large, "the pieces are in order");
        assert_eq!((read("model/1_Pooling/config.json"), read("model/empty")), (b"{}".to_vec(), Vec::new()));
        assert!(!there.join("model/.cache").exists());
        let sent: Project = ron::from_str(&list.project).unwrap();
        assert_eq!(
            (sent.model, sent.dataset.main.unwrap()),
            (ModelChoice::Folder("model".into()), "data/0/reviews.csv".into())
        );
        assert_eq!(
            (read("data/0/reviews.csv"), read("data/1/other/reviews.csv")),
            (b"rows".to_vec(), b"more rows".to_vec())
        );
        std::fs::remove_dir_all(unpacked.last().unwrap()).unwrap();
        let missing = list.put_together(&unpacked, &there, &mut watch).unwrap_err();
        assert!(
            matches!(&missing, JobError::Failed(why) if why.contains("is missing from the job's packages")),
            "{missing:?}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_command_puts_the_program_together_and_runs_it() {
        let place = tempfile::tempdir().unwrap();
        let program = "#!/bin/sh\necho \"ran $1 in $(dirname \"$0\")\"\nexit 7\n";
        let (first, second) = program.split_at(20);
        let sha256 = sha256(program.as_bytes());
        for (folder, index, text) in [("b", 0, first), ("a", 1, second)] {
            std::fs::create_dir_all(place.path().join(folder)).unwrap();
            std::fs::write(place.path().join(folder).join(piece_name(&sha256, index)), text).unwrap();
        }
        let packages =
            Packages { packages: Vec::new(), program: ListedFile { path: PROGRAM.to_owned(), sha256, pieces: 2 } };
        let path = ["a", "b"].map(|name| place.path().join(name).display().to_string()).join(":");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &packages.command("it")]).env("PYTHONPATH", path).env("TMPDIR", place.path());
        let ended = command.current_dir(place.path()).output().unwrap();
        let out = String::from_utf8(ended.stdout).unwrap();
        assert_eq!(ended.status.code(), Some(7), "{out}{}", String::from_utf8_lossy(&ended.stderr));
        let folder = out.trim().strip_prefix("ran it in ").unwrap();
        assert!(folder.contains("hone-trial-") && !Path::new(folder).exists(), "its folder is removed: {folder}");
    }
}
