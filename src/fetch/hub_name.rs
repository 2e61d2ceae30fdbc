//! Names of models of the Hugging Face Hub, as people type or paste them.

use std::fmt;

/// Most characters of an owner's and of a model's name together, and of a revision.
const LONGEST: usize = 96;
/// Hosts whose addresses name models.
const HOSTS: [&str; 3] = ["huggingface.co", "www.huggingface.co", "hf.co"];
/// What follows a model's name in the address of one of its pages, before the revision.
const PAGES: [&str; 4] = ["tree", "blob", "resolve", "commit"];
/// First parts of addresses of other things than models.
const OTHERS: [&str; 10] =
    ["datasets", "spaces", "collections", "papers", "docs", "blog", "models", "api", "settings", "organizations"];

/// `owner/name`, with the branch, tag or commit if one is named. Old models have no owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubName {
    repo: String,
    revision: Option<String>,
}

/// A text that is not a model name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{given}' cannot be the name of a model on the Hugging Face Hub: {reason}. Write owner/name, or owner/name@revision"
)]
pub struct NotAHubName {
    /// The text.
    pub given: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl HubName {
    /// Reads `owner/name`, `owner/name@revision`, the same without an owner, or the address of one of the model's pages.
    ///
    /// The rules are those of `validate_repo_id` in `huggingface_hub`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, NotAHubName> {
        let text = text.trim();
        let wrong = |reason| NotAHubName { given: text.to_owned(), reason };
        let (repo, revision) = match path_of_address(text).map_err(wrong)? {
            Some(path) => of_path(path).map_err(wrong)?,
            None => match text.split_once('@') {
                Some((repo, revision)) => (repo.to_owned(), Some(revision.to_owned())),
                None => (text.to_owned(), None),
            },
        };
        check_repo(&repo).map_err(wrong)?;
        if let Some(revision) = &revision {
            check_revision(revision).map_err(wrong)?;
        }
        Ok(Self { repo, revision })
    }

    /// `owner/name`.
    #[must_use]
    pub fn repo(&self) -> &str {
        &self.repo
    }

    /// The branch, tag or commit; the branch `main` unless one was named.
    #[must_use]
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or("main")
    }

    /// Whether a branch, tag or commit was named.
    #[must_use]
    pub fn has_revision(&self) -> bool {
        self.revision.is_some()
    }

    /// Whether the text can be nothing but one model's name: it has an owner.
    #[must_use]
    pub fn has_owner(&self) -> bool {
        self.repo.contains('/')
    }

    /// The same revision under the name that the Hub has for the model now.
    pub(super) fn renamed(&self, repo: &str) -> Self {
        Self { repo: repo.to_owned(), revision: self.revision.clone() }
    }
}

impl fmt::Display for HubName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.repo)?;
        self.revision.as_ref().map_or(Ok(()), |revision| write!(formatter, "@{revision}"))
    }
}

/// What follows the host, if the text is an address on the Hub.
fn path_of_address(text: &str) -> Result<Option<&str>, &'static str> {
    let without = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let address = without.unwrap_or(text);
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    match (HOSTS.iter().any(|known| host.eq_ignore_ascii_case(known)), without) {
        (true, _) => Ok(Some(path.split(['?', '#']).next().unwrap_or_default())),
        (false, Some(_)) => Err("it is an address of another site"),
        (false, None) => Ok(None),
    }
}

/// The model and the revision in the path of an address.
fn of_path(path: &str) -> Result<(String, Option<String>), &'static str> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [] => Err("the address names no model"),
        [first, ..] if OTHERS.contains(&first) => Err("the address is not that of a model"),
        [name, page, revision, ..] if PAGES.contains(&page) => Ok((name.to_owned(), Some(revision.to_owned()))),
        [owner, name, page, revision, ..] if PAGES.contains(&page) => {
            Ok((format!("{owner}/{name}"), Some(revision.replace("%2F", "/"))))
        }
        [name] => Ok((name.to_owned(), None)),
        [owner, name, ..] => Ok((format!("{owner}/{name}"), None)),
    }
}

fn check_repo(repo: &str) -> Result<(), &'static str> {
    if repo.is_empty() {
        return Err("it is empty");
    }
    if repo.len() > LONGEST {
        return Err("it is longer than 96 characters");
    }
    if repo.matches('/').count() > 1 {
        return Err("it has more than one slash");
    }
    let is_of_name = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_' | b'.');
    if !repo.bytes().all(|letter| letter == b'/' || is_of_name(letter)) {
        return Err("only letters, digits, '-', '_' and '.' can be in it");
    }
    let ends = |part: &str| part.is_empty() || part.starts_with(['-', '.']) || part.ends_with(['-', '.']);
    if repo.split('/').any(ends) {
        return Err("a part of it is empty, or begins or ends with '-' or '.'");
    }
    if repo.contains("--") || repo.contains("..") {
        return Err("'--' and '..' cannot be in it");
    }
    Ok(())
}

fn check_revision(revision: &str) -> Result<(), &'static str> {
    let is_of_revision = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_' | b'.' | b'/');
    let is_wrong = revision.is_empty()
        || revision.len() > LONGEST
        || revision.contains("..")
        || revision.starts_with('/')
        || !revision.bytes().all(is_of_revision);
    if is_wrong { Err("what follows '@' is not the name of a branch, a tag or a commit") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, String) {
        let name = HubName::parse(text).unwrap();
        (name.repo().to_owned(), name.revision().to_owned())
    }

    fn of(repo: &str, revision: &str) -> (String, String) {
        (repo.to_owned(), revision.to_owned())
    }

    #[test]
    fn names_are_read_as_they_are_typed() {
        assert_eq!(parsed(" google-bert/bert-base-uncased "), of("google-bert/bert-base-uncased", "main"));
        assert_eq!(parsed("gpt2"), of("gpt2", "main"));
        assert_eq!(parsed("a/b@v1.0"), of("a/b", "v1.0"));
        assert_eq!(parsed("a/b@refs/pr/3"), of("a/b", "refs/pr/3"));
        assert_eq!(HubName::parse("a/b@v1").unwrap().to_string(), "a/b@v1");
        assert!(HubName::parse("a/b").unwrap().has_owner() && !HubName::parse("gpt2").unwrap().has_owner());
    }

    #[test]
    fn pasted_addresses_name_the_model_and_the_revision() {
        assert_eq!(parsed("https://huggingface.co/BAAI/bge-small-en-v1.5"), of("BAAI/bge-small-en-v1.5", "main"));
        assert_eq!(parsed("huggingface.co/gpt2?library=transformers#x"), of("gpt2", "main"));
        assert_eq!(parsed("https://hf.co/a/b/tree/v2"), of("a/b", "v2"));
        assert_eq!(parsed("https://huggingface.co/a/b/blob/refs%2Fpr%2F1/config.json"), of("a/b", "refs/pr/1"));
        assert_eq!(parsed("https://huggingface.co/gpt2/tree/main"), of("gpt2", "main"));
        assert_eq!(parsed("https://huggingface.co/a/b/discussions"), of("a/b", "main"));
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_reason() {
        let cases = [
            ("", "it is empty"),
            ("a/b/c", "more than one slash"),
            ("a b", "only letters"),
            ("../../etc", "more than one slash"),
            ("a/..", "begins or ends"),
            ("/a", "is empty"),
            ("a/b..c", "'--' and '..'"),
            ("a\\b", "only letters"),
            ("a/b@", "what follows '@'"),
            ("a/b@../x", "what follows '@'"),
            ("https://example.com/a/b", "another site"),
            ("https://huggingface.co/datasets/a/b", "is not that of a model"),
            ("https://huggingface.co/", "names no model"),
        ];
        for (text, reason) in cases {
            let error = HubName::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("Write owner/name"), "{text}: {error}");
        }
        assert!(HubName::parse(&"a".repeat(97)).is_err());
    }
}
