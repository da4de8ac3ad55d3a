//! Which of what the state folder knows is served: what the templates given now ask for.

mod templates;

use super::*;
use crate::adapters::runner::{Executables, ProcessSpawner};
use crate::clock::SystemClock;
use crate::engine::OsRandom;
use crate::template;
use crate::topology::{FunctionSpec, Region};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

struct NoBinaries;

impl Executables for NoBinaries {
    fn find(&self, _: &FunctionSpec) -> Result<PathBuf, String> {
        Err("there is no binary".into())
    }
}

/// A template with an HTTP API and the function behind it.
fn stack(folder: &Path, name: &str) -> Stack {
    let text = format!(
        "Transform: AWS::Serverless-2016-10-31
Resources:
  {name}Door:
    Type: AWS::Serverless::HttpApi
  {name}Answer:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: {name}-answer
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: .
      Events:
        Get: {{Type: HttpApi, Properties: {{ApiId: !Ref {name}Door, Method: GET, Path: /{name}}}}}
"
    );
    let path = folder.join(format!("{name}.yaml"));
    std::fs::write(&path, text).unwrap();
    let options = template::Options { stack: name.into(), ..template::Options::default() };
    let loaded = template::load(&path, &options).unwrap();
    Stack { name: name.into(), loaded, adopt: false, reset: false, drop: false }
}

/// Brings these up on the folder; what it complained of beside it.
async fn up(folder: &Path, names: &[&str]) -> (System, Vec<String>) {
    let bind = || TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let stacks: Vec<Stack> = names.iter().map(|name| stack(folder, name)).collect();
    let told = Arc::new(Mutex::new(vec![]));
    let tell = told.clone();
    let system = System::start(Config {
        folder: folder.join("state"),
        region: Region::default(),
        history: 1 << 20,
        aws: bind(),
        http: names.iter().map(|name| (format!("{name}-{name}Door"), bind())).collect(),
        stacks,
        executables: Arc::new(NoBinaries),
        spawner: Arc::new(ProcessSpawner),
        clock: Arc::new(SystemClock),
        random: Box::new(OsRandom::default()),
        fatal: Arc::new(|why| panic!("{why}")),
        complain: Arc::new(move |why| tell.lock().unwrap().push(why)),
        faults: None,
    });
    let system = system.await.unwrap_or_else(|error| panic!("{error}"));
    let told = told.lock().unwrap().clone();
    (system, told)
}

async fn routes(system: &System) -> Vec<String> {
    let map = system.control().map().await.unwrap();
    map.apis.iter().flat_map(|api| &api.routes).map(|(route, _)| route.clone()).collect()
}

#[tokio::test]
async fn listeners_serve_the_apis_of_the_templates_given_now_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let (system, told) = up(folder.path(), &["zoo", "art"]).await;
    assert_eq!(routes(&system).await, ["GET /zoo", "GET /art"]);
    assert_eq!(told, Vec::<String>::new());
    system.stop().await;

    let (system, told) = up(folder.path(), &["zoo"]).await;
    assert_eq!(routes(&system).await, ["GET /zoo"]);
    let [why] = &told[..] else { panic!("{told:?}") };
    assert!(why.ends_with("is not served: its stack art was not given"), "{why}");
    let why = system.warm_functions().await.unwrap_err();
    assert_eq!(why, "zoo-answer: there is no binary", "the other stack's function is not started");
    system.stop().await;
}
