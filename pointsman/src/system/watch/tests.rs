use super::*;
use std::time::Duration;
use tempfile::TempDir;

/// A folder with sources, a template and what is neither.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in
        ["src/bin/view.rs", "src/lib.rs", "target/debug/view", "own/Cargo.toml", "own/lib.rs"]
    {
        write(&folder, path, "first");
    }
    write(&folder, "infra/template.yaml", "first");
    folder
}

fn write(folder: &TempDir, path: &str, text: &str) {
    let path = folder.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn watch(folder: &TempDir) -> Watch {
    let mut places = Places::default();
    places.file(&folder.path().join("infra/template.yaml"), Role::Template);
    places.folders.insert(folder.path().canonicalize().unwrap());
    places.leave_out(&folder.path().join("infra"));
    let mut watch = Watch::new();
    watch.set(places);
    watch
}

/// What is told next, by names.
async fn saved(watch: &mut Watch) -> Vec<(Role, String)> {
    let saved = tokio::time::timeout(Duration::from_secs(30), watch.saved()).await;
    let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    saved.expect("it is noticed").into_iter().map(|(role, path)| (role, name(path))).collect()
}

#[tokio::test]
async fn a_file_saved_in_place_or_under_its_name_is_told_once() {
    let folder = folder();
    let mut watch = watch(&folder);
    write(&folder, "src/lib.rs", "second");
    assert_eq!(saved(&mut watch).await, [(Role::Source, "lib.rs".into())]);
    write(&folder, "src/bin/.view.rs.swp", "an editor's");
    write(&folder, "src/bin/new.tmp", "second");
    fs::rename(folder.path().join("src/bin/new.tmp"), folder.path().join("src/bin/view.rs"))
        .unwrap();
    write(&folder, "infra/template.yaml", "second");
    let told = saved(&mut watch).await;
    assert_eq!(told, [(Role::Template, "template.yaml".into()), (Role::Source, "view.rs".into())]);
}

#[tokio::test]
async fn files_and_folders_that_come_and_go_are_told() {
    let folder = folder();
    let mut watch = watch(&folder);
    write(&folder, "src/deep/er/new.rs", "first");
    assert_eq!(saved(&mut watch).await, [(Role::Source, "new.rs".into())]);
    write(&folder, "src/deep/er/new.rs", "second");
    assert_eq!(saved(&mut watch).await, [(Role::Source, "new.rs".into())]);
    fs::remove_dir_all(folder.path().join("src/deep")).unwrap();
    assert_eq!(saved(&mut watch).await, [(Role::Source, "new.rs".into())]);
    write(&folder, "src/deep/er/new.rs", "third");
    assert_eq!(saved(&mut watch).await, [(Role::Source, "new.rs".into())]);
}

#[tokio::test]
async fn what_is_built_what_is_left_out_and_what_other_packages_have_is_not_told() {
    let folder = folder();
    let mut watch = watch(&folder);
    for path in
        ["target/debug/view", "own/lib.rs", "infra/other.yaml", "src/#lib.rs#", "src/lib.rs~"]
    {
        write(&folder, path, "second");
    }
    write(&folder, "src/lib.rs", "second");
    assert_eq!(saved(&mut watch).await, [(Role::Source, "lib.rs".into())]);
}

#[tokio::test]
async fn a_change_is_told_also_if_nobody_listened_when_it_came() {
    let folder = folder();
    let mut watch = watch(&folder);
    write(&folder, "src/lib.rs", "second");
    // Dropped while it waits for calm, or before it has heard of anything; on a slow machine it is told here already.
    let early = tokio::time::timeout(Duration::from_millis(20), watch.saved()).await;
    let places = watch.places.clone();
    watch.set(places);
    if early.is_err() {
        assert_eq!(saved(&mut watch).await, [(Role::Source, "lib.rs".into())]);
    }
}

#[tokio::test]
async fn where_the_system_cannot_tell_files_are_looked_at_now_and_then() {
    let folder = folder();
    let mut watch = watch(&folder);
    watch.watcher = None;
    write(&folder, "src/lib.rs", "second");
    assert_eq!(saved(&mut watch).await, [(Role::Source, "lib.rs".into())]);
}
