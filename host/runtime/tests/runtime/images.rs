use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use mortise_model::secret::SecretText;
use mortise_runtime::RuntimeConfig;
use tempfile::TempDir;

use crate::host::{Host, component};

/// A host with images in a folder, under a key.
fn host(images: &Path, key: &'static str) -> Host {
    let images = images.to_owned();
    Host::with(move |config: &mut RuntimeConfig| {
        config.images = images;
        config.image_key = SecretText::new(key);
    })
}

async fn admit(host: &Host) {
    host.admit(component("hello")).await.unwrap();
    let (call, _) = host.call("hello").await;
    host.runtime.entities(call).await.unwrap();
}

fn compilations(host: &Host) -> u32 {
    let metrics = host.metrics();
    let line = metrics.lines().find_map(|line| line.strip_prefix("runtime_compilation_seconds_count "));
    line.unwrap().parse().unwrap()
}

fn image(folder: &Path, extension: &str) -> PathBuf {
    let mut entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.find(|path| path.extension().is_some_and(|own| own == extension)).unwrap()
}

#[tokio::test]
async fn a_component_is_compiled_once_and_mapped_from_then_on() {
    let folder = TempDir::new().unwrap();
    let images = folder.path().join("images");
    let first = host(&images, "key");
    admit(&first).await;
    assert_eq!(compilations(&first), 1);
    assert_eq!(fs::metadata(&images).unwrap().permissions().mode() & 0o777, 0o700);
    let written = fs::metadata(image(&images, "cwasm")).unwrap().modified().unwrap();
    let second = host(&images, "key");
    admit(&second).await;
    assert_eq!(compilations(&second), 0);
    assert_eq!(fs::metadata(image(&images, "cwasm")).unwrap().modified().unwrap(), written);
}

#[tokio::test]
async fn an_image_that_cannot_be_trusted_is_compiled_again() {
    let folder = TempDir::new().unwrap();
    let images = folder.path().join("images");
    admit(&host(&images, "key")).await;
    let spoil: [fn(&Path); 4] = [
        |images| {
            let path = image(images, "cwasm");
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(path, bytes).unwrap();
        },
        |images| fs::write(image(images, "mac"), [0; 32]).unwrap(),
        |images| fs::remove_file(image(images, "mac")).unwrap(),
        |images| fs::set_permissions(image(images, "cwasm"), fs::Permissions::from_mode(0o666)).unwrap(),
    ];
    for spoil in spoil {
        spoil(&images);
        let host = host(&images, "key");
        admit(&host).await;
        assert_eq!(compilations(&host), 1);
    }
    let other_key = host(&images, "another key");
    admit(&other_key).await;
    assert_eq!(compilations(&other_key), 1);
}

#[tokio::test]
async fn a_call_compiles_again_what_has_no_image_any_more() {
    let folder = TempDir::new().unwrap();
    let images = folder.path().join("images");
    let first = host(&images, "key");
    let (call, _) = first.call("hello").await;
    fs::remove_file(image(&images, "cwasm")).unwrap();
    let second = host(&images, "key");
    let error = second.runtime.entities(call.clone()).await.unwrap_err();
    assert!(error.to_string().ends_with("upload the release again"), "{error}");
    second.store.put_blob(component("hello")).await.unwrap();
    second.runtime.entities(call).await.unwrap();
    assert_eq!(compilations(&second), 1);
    assert!(image(&images, "cwasm").is_file());
}

#[test]
fn a_folder_that_others_may_use_is_refused() {
    let folder = TempDir::new().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let result = std::panic::catch_unwind(|| host(folder.path(), "key"));
    assert!(result.is_err());
}
