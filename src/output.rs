//! Files that a user asks for beside what is printed. They are written aside and renamed, so that nobody ever meets
//! half of one, and none of them takes the place of a file that is read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;

use crate::exit::bad_input;

/// What makes two paths one file, whatever they are called: links of both kinds lead to the same.
#[derive(PartialEq, Eq)]
enum Identity {
    /// A file that is there: its device and its number.
    There(u64, u64),
    /// A file that would be made: its folder and its name.
    Planned(PathBuf, std::ffi::OsString),
}

/// Devices have no identity here: a terminal may well be read and written.
fn identity(path: &Path) -> Option<Identity> {
    match fs::metadata(path) {
        Ok(meta) if meta.file_type().is_char_device() => None,
        Ok(meta) => Some(Identity::There(meta.dev(), meta.ino())),
        Err(_) => Some(Identity::Planned(
            fs::canonicalize(folder_of(path)).ok()?,
            path.file_name()?.to_owned(),
        )),
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Refuses outputs that are one of the files that are read, or each other. Each output is its option and its path.
///
/// # Errors
/// The first of them, as bad input.
pub fn refuse_clashes<'a>(
    outputs: &[(&str, &Path)],
    inputs: impl IntoIterator<Item = &'a Path>,
) -> anyhow::Result<()> {
    if outputs.is_empty() {
        return Ok(());
    }
    let known: Vec<_> = outputs.iter().map(|(_, path)| identity(path)).collect();
    for (at, (option, path)) in outputs.iter().enumerate() {
        let twin = (0..at).find(|other| known[at].is_some() && known[*other] == known[at]);
        if let Some(other) = twin {
            return Err(bad_input(format!(
                "{} and {option} both name `{}`; name two files",
                outputs[other].0,
                path.display()
            )));
        }
    }
    for input in inputs {
        let input_identity = identity(input);
        for ((option, path), known) in outputs.iter().zip(&known) {
            if known.is_some() && *known == input_identity {
                return Err(bad_input(format!(
                    "{option} {} is the file `{}`, which is read; name another file",
                    path.display(),
                    input.display()
                )));
            }
        }
    }
    Ok(())
}

/// Writes a file whole: aside first, then renamed over what was there. A device or a pipe is written to as it is.
///
/// # Errors
/// When it cannot be written; then what was there is there still.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_or_say(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

fn write_or_say(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays a link: what it leads to is written.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = fs::metadata(path).ok();
    match &old {
        Some(meta) if !meta.is_file() => return write_through(path, bytes, meta),
        Some(meta) if meta.permissions().readonly() => {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the file is read-only",
            ));
        }
        _ => {}
    }
    let (mut file, aside) = create_aside(path)?;
    let written = file.write_all(bytes).and_then(|()| {
        if let Some(meta) = &old {
            fs::set_permissions(&aside, meta.permissions())?;
        }
        fs::rename(&aside, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}

fn create_aside(path: &Path) -> io::Result<(File, PathBuf)> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let aside = format!(".{name}.{}-{number}.part", std::process::id());
        let aside = folder_of(path).join(aside);
        match OpenOptions::new().write(true).create_new(true).open(&aside) {
            // Left by a process of the same number that was killed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(file) => return Ok((file, aside)),
        }
    }
}

/// A pipe that nobody reads is an error and no wait.
fn write_through(path: &Path, bytes: &[u8], meta: &fs::Metadata) -> io::Result<()> {
    if meta.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut options = OpenOptions::new();
    options.write(true);
    if meta.file_type().is_fifo() {
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let opened = options.clone().custom_flags(nonblock).open(path);
        let _reader = opened.map_err(|error| match error.raw_os_error() {
            Some(code) if code == rustix::io::Errno::NXIO.raw_os_error() => {
                io::Error::other("it is a pipe, and nobody reads it")
            }
            _ => error,
        })?;
    }
    options.open(path)?.write_all(bytes)
}

/// Removes a file that an earlier call wrote and that this one does not replace. Says whether there was one; what is
/// no plain file stays.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove_stale(path: &Path) -> anyhow::Result<bool> {
    if !fs::metadata(path).is_ok_and(|meta| meta.is_file()) {
        return Ok(false);
    }
    fs::remove_file(path).with_context(|| {
        format!(
            "`{}` is from before and cannot be removed: it does not belong to this verdict",
            path.display()
        )
    })?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_that_is_read_is_never_an_output() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("input"), "").unwrap();
        symlink(at("input"), at("link")).unwrap();
        fs::hard_link(at("input"), at("twin")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        let input = at("input");
        let refused = |output: PathBuf| refuse_clashes(&[("--dot", &output)], [&*input]).is_err();
        for same in ["input", "link", "twin", "folder/../input", "./input"] {
            assert!(refused(at(same)), "{same}");
        }
        assert!(!refused(at("other")) && !refused("/dev/null".into()));
        let planned = (at("new"), at("folder/../new"));
        let outputs = [("--witness", &*planned.0), ("--dot", &*planned.1)];
        assert!(refuse_clashes(&outputs, []).is_err());
    }

    #[test]
    fn a_file_is_whole_or_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"one").unwrap();
        symlink(&path, folder.path().join("link")).unwrap();
        write(&folder.path().join("link"), b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(
            fs::symlink_metadata(folder.path().join("link"))
                .unwrap()
                .is_symlink()
        );
        assert!(write(folder.path(), b"three").is_err());
        assert!(write(&folder.path().join("absent/file"), b"three").is_err());
        assert!(write(Path::new("/dev/full"), b"three").is_err());
        write(Path::new("/dev/null"), b"three").unwrap();
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            2,
            "nothing is left over"
        );
        assert!(remove_stale(&path).unwrap() && !remove_stale(&path).unwrap());
        assert!(!remove_stale(Path::new("/dev/null")).unwrap());
    }
}
