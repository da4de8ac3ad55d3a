//! `AWS::Serverless::HttpApi`, the implicit one, and the routes that functions' HttpApi events add to them.

use super::build::Build;
use super::document::Raw;
use super::implicit::HTTP_API;
use super::names::{nearest, one_of, physical};
use super::node::{Node, Pos, Result, fault};
use super::props::Props;
use crate::topology::{AuthorizerSpec, HttpApiSpec, RouteSpec, Spec};
use std::collections::{BTreeMap, BTreeSet};

/// What matters to AWS alone: limits of rate, logs, names.
const INERT: [&str; 15] = [
    "AccessLogSettings",
    "DefaultRouteSettings",
    "Description",
    "DisableExecuteApiEndpoint",
    "FailOnWarnings",
    "Name",
    "PropagateTags",
    "RouteSettings",
    "Tags",
    "CorsConfiguration",
    "Domain",
    "IpAddressType",
    "StageVariables",
    "Models",
    "ApiKeySelectionExpression",
];
const METHODS: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "ANY"];

/// A route before its API's authorizers are known.
pub(crate) struct Draft {
    api: String,
    owner: String,
    pos: Pos,
    route: RouteSpec,
    authorizer: Option<(String, Pos)>,
    scopes: Option<Vec<String>>,
}

/// An API's way to let callers in.
#[derive(Default)]
pub(crate) struct Door {
    default: Option<String>,
    authorizers: BTreeMap<String, AuthorizerSpec>,
    scopes: BTreeMap<String, Vec<String>>,
    /// Authorizers that are not run here: their routes are not served.
    not_run: BTreeSet<String>,
}

/// Name of the API with this logical id: on AWS its id is random, here it is the same at every start.
fn name_of(build: &Build<'_>, id: &str) -> String {
    physical(&build.scope.options.stack, id, 255)
}

pub(crate) fn read(build: &mut Build<'_>, raw: &Raw) -> Result<()> {
    let props = build.props(raw)?;
    api(build, &raw.id, raw.pos, props)
}

/// Makes the implicit API if an event wants it, and gives every API its routes.
pub(crate) fn implicit(build: &mut Build<'_>) -> Result<()> {
    let declared = build.scope.document.find(HTTP_API).is_some();
    let name = name_of(build, HTTP_API);
    if let Some(pos) = build.routes.iter().find(|draft| draft.api == name).map(|draft| draft.pos)
        && !declared
    {
        let globals = build.scope.document.sections.get("Globals");
        let node = match globals.and_then(|globals| globals.get("HttpApi")) {
            Some(node) => build.scope.resolve(node)?,
            None => None,
        };
        let props = Props::of(HTTP_API, "", node.unwrap_or(Node::map(pos, Vec::new())))?;
        api(build, HTTP_API, pos, props)?;
    }
    for draft in std::mem::take(&mut build.routes) {
        let Some(door) = build.doors.get(&draft.api) else {
            let what = format!("route {} {}", draft.route.method, draft.route.path);
            build.scope.remark(
                draft.pos,
                &draft.owner,
                what,
                "its API is not run here: it is not served",
            );
            continue;
        };
        let Some(route) = guarded(
            build,
            door,
            draft.route,
            draft.authorizer,
            draft.scopes,
            &draft.owner,
            draft.pos,
        )?
        else {
            continue;
        };
        let apis = build.resources.iter_mut().filter_map(|resource| match &mut resource.spec {
            Spec::HttpApi(api) if api.name == draft.api => Some(api),
            _ => None,
        });
        for api in apis {
            let twin = api
                .routes
                .iter()
                .find(|have| have.method == route.method && have.path == route.path);
            if let Some(twin) = twin {
                let message = format!(
                    "route {} {} stands twice: first on line {}",
                    route.method, route.path, twin.place.line
                );
                return fault(draft.pos, message);
            }
            api.routes.push(route.clone());
        }
    }
    Ok(())
}

/// A function's HttpApi event.
pub(crate) fn event(
    build: &mut Build<'_>,
    raw: &Raw,
    function: &str,
    pos: Pos,
    mut props: Props,
) -> Result<()> {
    let api = props.text("ApiId")?.unwrap_or_else(|| name_of(build, HTTP_API));
    let given = (props.take("Method"), props.take("Path"));
    let (method, path) = match given {
        (None, None) => ("ANY".to_owned(), "$default".to_owned()),
        (Some(method), Some(path)) => {
            let word = method
                .as_str()
                .unwrap_or_default()
                .to_uppercase()
                .replace("X-AMAZON-APIGATEWAY-ANY-METHOD", "ANY");
            let word = if word == "*" { "ANY".to_owned() } else { word };
            if !METHODS.contains(&word.as_str()) {
                return props.wrong(
                    "Method",
                    &method,
                    &format!("one of {} is wanted", METHODS.join(", ")),
                );
            }
            match path.as_str().filter(|path| is_path(path)) {
                Some(path) => (word, path.to_owned()),
                None => return props.wrong("Path", &path, "a path such as /orders/{id} is wanted"),
            }
        }
        (None, _) => return props.missing("Method"),
        (_, None) => return props.missing("Path"),
    };
    let (mut authorizer, mut scopes) = (None, None);
    if let Some(mut auth) = props.map("Auth")? {
        authorizer =
            auth.take("Authorizer").and_then(|node| Some((node.as_str()?.to_owned(), node.pos)));
        scopes = auth.take("AuthorizationScopes").map(|node| texts(&node, &raw.id)).transpose()?;
        auth.finish(build.scope, &[]);
    }
    let timeout_ms = props.whole("TimeoutInMillis", 50..=30_000)?.unwrap_or(30_000);
    let payload = props.word("PayloadFormatVersion", &["2.0", "1.0"])?.unwrap_or("2.0").to_owned();
    if payload == "1.0" {
        build.scope.remark(
            pos,
            &raw.id,
            "PayloadFormatVersion 1.0",
            "functions are sent the payload of version 2.0",
        );
    }
    props.finish(build.scope, &["RouteSettings"]);
    let place = build.place(pos);
    let function = function.to_owned();
    let route = RouteSpec {
        method,
        path,
        function,
        authorizer: None,
        scopes: Vec::new(),
        timeout_ms,
        payload,
        place,
    };
    build.routes.push(Draft { api, owner: raw.id.clone(), pos, route, authorizer, scopes });
    Ok(())
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path[1..].split('/').all(|part| {
            let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            match name {
                Some(name) => !name.is_empty() && !name.contains(['{', '}']),
                None => !part.contains(['{', '}', '?', '#', ' ']),
            }
        })
        && path.match_indices("+}").all(|(at, _)| at + 2 == path.len())
}

fn api(build: &mut Build<'_>, id: &str, pos: Pos, mut props: Props) -> Result<()> {
    let stage = props.text("StageName")?.unwrap_or_else(|| "$default".into());
    let cors = match props.take("CorsConfiguration") {
        Some(node) if node.as_str().and_then(super::node::truth) == Some(true) => {
            Some(r#"{"AllowOrigins":["*"]}"#.to_owned())
        }
        Some(node) if node.as_map().is_some() => Some(node.json()),
        _ => None,
    };
    let mut door = Door::default();
    if let Some(auth) = props.map("Auth")? {
        door = self::door(build, id, auth)?;
    }
    for name in ["DefinitionBody", "DefinitionUri"] {
        if let Some(node) = props.take(name) {
            build.scope.remark(
                node.pos,
                id,
                name,
                "routes of an OpenAPI document are not served: name them in events",
            );
        }
    }
    props.finish(build.scope, &INERT);
    let authorizers = door.authorizers.clone();
    let name = name_of(build, id);
    build.doors.insert(name.clone(), door);
    let spec = HttpApiSpec { name, stage, authorizers, routes: Vec::new(), cors };
    build.push(id, pos, Spec::HttpApi(spec));
    Ok(())
}

fn door(build: &Build<'_>, id: &str, mut auth: Props) -> Result<Door> {
    let mut door = Door::default();
    let default = auth.take("DefaultAuthorizer");
    if let Some(mut all) = auth.map("Authorizers")? {
        for (key, node) in all.drain() {
            let mut props = Props::of(id, &format!("Auth.Authorizers.{}", key.name), node)?;
            let scopes = props.texts("AuthorizationScopes")?;
            let Some(mut jwt) = props.map("JwtConfiguration")? else {
                let what = format!("authorizer {}", key.name);
                build.scope.remark(
                    key.pos,
                    id,
                    what,
                    "only JWT authorizers are run here: its routes are not served",
                );
                door.not_run.insert(key.name);
                continue;
            };
            let identity_source = props.required("IdentitySource")?;
            let issuer = match jwt.text("issuer")? {
                Some(issuer) => issuer,
                None => jwt.required("Issuer")?,
            };
            let mut audience = jwt.texts("audience")?;
            audience.extend(jwt.texts("Audience")?);
            jwt.finish(build.scope, &[]);
            props.finish(build.scope, &[]);
            door.scopes.insert(key.name.clone(), scopes);
            door.authorizers.insert(key.name, AuthorizerSpec { issuer, audience, identity_source });
        }
    }
    if let Some(node) = default {
        let name = node.as_str().unwrap_or_default();
        if name == "AWS_IAM" {
            door.not_run.insert(name.to_owned());
        } else if !door.authorizers.contains_key(name) && !door.not_run.contains(name) {
            let hint = one_of(nearest(name, door.authorizers.keys().map(String::as_str)));
            return auth.wrong(
                "DefaultAuthorizer",
                &node,
                &format!("the name of an authorizer is wanted{hint}"),
            );
        }
        door.default = Some(name.to_owned());
    }
    if auth.flag("EnableIamAuthorizer")? == Some(true) {
        door.not_run.insert("AWS_IAM".into());
    }
    auth.finish(build.scope, &[]);
    Ok(door)
}

/// The route with its authorizer; `None` where that is not run here, since an open door is no stand-in for a closed one.
fn guarded(
    build: &Build<'_>,
    door: &Door,
    mut route: RouteSpec,
    authorizer: Option<(String, Pos)>,
    scopes: Option<Vec<String>>,
    owner: &str,
    pos: Pos,
) -> Result<Option<RouteSpec>> {
    let own = authorizer.as_ref().map(|(name, _)| name.as_str());
    let name = match own.or(door.default.as_deref()) {
        None | Some("NONE") => {
            if scopes.is_some_and(|scopes| !scopes.is_empty()) {
                return fault(pos, format!("AuthorizationScopes of {owner} need an authorizer"));
            }
            return Ok(Some(route));
        }
        Some(name) => name.to_owned(),
    };
    if door.not_run.contains(&name) {
        let what = format!("route {} {}", route.method, route.path);
        build.scope.remark(
            pos,
            owner,
            what,
            format!("authorizer {name} is not run here: the route is not served"),
        );
        return Ok(None);
    }
    if !door.authorizers.contains_key(&name) {
        let pos = authorizer.map_or(pos, |(_, pos)| pos);
        let hint = one_of(nearest(&name, door.authorizers.keys().map(String::as_str)));
        return fault(
            pos,
            format!("Authorizer of {owner} is «{name}»: the API has none of that name{hint}"),
        );
    }
    route.scopes = scopes.or_else(|| door.scopes.get(&name).cloned()).unwrap_or_default();
    route.authorizer = Some(name);
    Ok(Some(route))
}

fn texts(node: &Node, owner: &str) -> Result<Vec<String>> {
    let message = |node: &Node| {
        format!("AuthorizationScopes of {owner} is {}: a list of texts is wanted", node.shown())
    };
    let Some(items) = node.as_list() else { return fault(node.pos, message(node)) };
    items
        .iter()
        .map(|item| match item.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => fault(item.pos, message(item)),
        })
        .collect()
}
