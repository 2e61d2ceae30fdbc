//! Servers and files on this machine that are not what they should be.

use super::*;

#[test]
fn a_redirect_to_another_server_gets_no_token() {
    let mut scene = scene().with_hub(COMMIT);
    scene.settings.endpoints.token = Some("hf_secret".to_owned());
    let elsewhere = Server::start();
    elsewhere.put("/blob", Resource { body: weights(), ..Resource::default() });
    // The other server is on another port of the same host.
    for location in
        [format!("//127.0.0.1:{}/blob", elsewhere.port), format!("http://127.0.0.1:{}/blob", elsewhere.port)]
    {
        scene.server.change(HUB_WEIGHTS, |weights| {
            weights.status = 302;
            weights.headers.push(("Location".to_owned(), location.clone()));
            weights.body.clear();
        });
        assert_whole(&scene.fetch().unwrap());
        let asked = elsewhere.asked();
        assert!(
            !asked.is_empty() && asked.iter().all(|asked| !asked.headers.contains_key("authorization")),
            "{asked:?}"
        );
        std::fs::remove_dir_all(&scene.settings.folders.hub_cache).unwrap();
        scene = scene.with_hub(COMMIT);
    }
}

#[test]
fn a_redirect_within_the_hub_keeps_the_token() {
    let mut scene = scene().with_hub(COMMIT);
    scene.settings.endpoints.token = Some("hf_secret".to_owned());
    let moved = HUB_WEIGHTS.replace("owner/name", "owner/renamed");
    let (body, headers) = (
        weights(),
        vec![("X-Repo-Commit".to_owned(), COMMIT.to_owned()), ("ETag".to_owned(), format!("\"{}\"", hash(&weights())))],
    );
    scene.server.put(&moved, Resource { body, headers, ..Resource::default() });
    scene.server.change(HUB_WEIGHTS, |weights| {
        weights.status = 307;
        weights.headers.push(("Location".to_owned(), moved.clone()));
        weights.body.clear();
    });
    assert_whole(&scene.fetch().unwrap());
    assert!(scene.server.asked().iter().all(|asked| asked.headers.contains_key("authorization")));
}

#[test]
fn the_size_in_the_catalogue_bounds_a_download() {
    let scene = scene().with_hub(COMMIT);
    let config = HUB_WEIGHTS.replace("model.safetensors", "config.json");
    // The server says it itself: three megabytes.
    scene.server.change(&config, |config| config.body = vec![b' '; 3_000_000]);
    let reasons = scene.reasons();
    assert!(reasons[0].contains("config.json is longer than expected"), "{reasons:?}");
    assert!(parts(scene.folder.path()).iter().all(|part| std::fs::metadata(part).unwrap().len() == 0));
}

#[test]
fn a_file_without_a_size_in_the_catalogue_is_bounded_too() {
    let mut scene = scene().with_hub(COMMIT);
    (scene.entry.files[0].bytes, scene.entry.files[0].sha256) = (None, None);
    let config = HUB_WEIGHTS.replace("model.safetensors", "config.json");
    scene.server.change(&config, |config| {
        config.headers.push(("X-Linked-Etag".to_owned(), "feed".to_owned()));
        config.headers.push(("X-Linked-Size".to_owned(), "3000000000".to_owned()));
    });
    let reasons = scene.reasons();
    assert!(reasons[0].contains("config.json has 2.8 GiB on the server, and may have 64.0 MiB"), "{reasons:?}");
}

/// Changes a byte of a file and keeps its size.
fn damage(path: &Path) {
    let path = path.canonicalize().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn a_damaged_model_on_this_machine_is_downloaded_again() {
    let mut scene = scene().with_hub(COMMIT);
    let folder = scene.fetch().unwrap();
    damage(&folder.join("model.safetensors"));
    scene.settings.endpoints.offline = true;
    assert_eq!(scene.settings.folders.locate(&scene.entry), Some(folder.clone()), "its size and name are right");
    let error = scene.fetch().unwrap_err();
    assert_eq!(scene.settings.folders.locate(&scene.entry), None, "the damage is remembered");
    assert!(matches!(&error, FetchError::DamagedOffline { .. }), "{error}");
    assert!(error.to_string().contains("model.safetensors is damaged (SHA-256 "), "{error}");
    scene.settings.endpoints.offline = false;
    assert_whole(&scene.fetch().unwrap());
    assert_eq!(scene.server.ranges("model.safetensors").len(), 2);
    damage(&folder.join("model.safetensors"));
    scene.server.change(HUB_WEIGHTS, |weights| weights.status = 404);
    let reasons = scene.reasons();
    assert!(reasons[0].contains("is damaged") && reasons[1].contains("status 404"), "{reasons:?}");
}

#[test]
fn a_model_is_hashed_once_and_again_when_it_changed() {
    let scene = scene().with_hub(COMMIT);
    let hashed = || {
        let mut stages = Vec::new();
        scene.fetch_watched(&Control::default(), &mut |progress| stages.push(progress.stage)).unwrap();
        stages.iter().filter(|stage| stage.starts_with("Checking")).count()
    };
    let folder = scene.fetch().unwrap();
    assert_eq!((hashed(), hashed()), (3, 0));
    let config =
        std::fs::File::options().append(true).open(folder.join("config.json").canonicalize().unwrap()).unwrap();
    config.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!((hashed(), hashed()), (1, 0));
}
