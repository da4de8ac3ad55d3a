//! What `up` prints when everything is up.

use super::super::screen::{BOLD, EVENT, FUNCTION, QUEUE, styled};
use crate::adapters::control::Map;

/// The map: where everything is reached, and what leads where.
pub(super) fn show(map: &Map, endpoint: &str) {
    let heading = |text: &str| styled(BOLD, format!("{text:<6}"));
    anstream::println!("{} {endpoint}", heading("AWS"));
    for api in &map.apis {
        anstream::println!("{} {}", heading("HTTP"), api.url);
        let width = api.routes.iter().map(|(route, _)| route.len()).max().unwrap_or_default();
        for (route, function) in &api.routes {
            anstream::println!("       {route:<width$} → {}", styled(FUNCTION, function));
        }
    }
    if !map.rules.is_empty() {
        anstream::println!("{}", styled(BOLD, "Rules"));
    }
    for rule in &map.rules {
        let mut line = format!("       {} {}", rule.bus, styled(EVENT, &rule.rule));
        for target in &rule.targets {
            line.push_str(&format!(" → {}", styled(QUEUE, target)));
        }
        if let Some(function) = &rule.function {
            line.push_str(&format!(" → {}", styled(FUNCTION, function)));
        }
        anstream::println!("{line}");
    }
    if !map.schedules.is_empty() {
        anstream::println!("{}", styled(BOLD, "Schedules"));
    }
    for schedule in &map.schedules {
        let mut line = format!("       {} {}", styled(EVENT, &schedule.schedule), schedule.when);
        for target in &schedule.targets {
            line.push_str(&format!(" → {}", styled(QUEUE, target)));
        }
        if !schedule.enabled {
            line.push_str(" (disabled)");
        }
        anstream::println!("{line}");
    }
    let streams: Vec<_> = map
        .functions
        .iter()
        .flat_map(|f| f.by.iter().filter(|by| by.starts_with("stream")).map(move |by| (f, by)))
        .collect();
    if !streams.is_empty() {
        anstream::println!("{}", styled(BOLD, "Tables"));
    }
    for (function, by) in streams {
        anstream::println!("       {by} → {}", styled(FUNCTION, &function.name));
    }
}

/// Three lines that work as they stand, from what the template has.
pub(super) fn tries(map: &Map, endpoint: &str) -> Vec<String> {
    let me = std::env::current_exe().ok().and_then(|exe| {
        let here = std::env::current_dir().ok()?;
        Some(exe.strip_prefix(here).unwrap_or(&exe).display().to_string())
    });
    let me = me.unwrap_or_else(|| "pointsman".into());
    let at = match endpoint {
        "http://127.0.0.1:4566" => String::new(),
        other => format!(" --endpoint {other}"),
    };
    let mut lines = vec![format!("{me} tail{at}")];
    lines.extend(map.tries.iter().map(|line| {
        let http = map.apis.first().map_or("", |api| api.url.as_str());
        line.replace("{http}", http)
            .replace("{endpoint}", endpoint)
            .replace("{pointsman}", &me)
            .replace("{at}", &at)
    }));
    if map.tries.is_empty() {
        if let Some(api) = map.apis.first()
            && let Some((route, _)) = api.routes.first()
        {
            let (method, path) = route.split_once(' ').unwrap_or(("GET", route));
            lines.push(format!(
                "curl -i -X {method} {}{path} -H \"authorization: Bearer $({me} token --sub me{at})\"",
                api.url
            ));
        }
        if let Some(rule) = map.rules.first() {
            let pattern: serde_json::Value =
                serde_json::from_str(&rule.pattern).unwrap_or_default();
            let first = |name: &str| pattern[name][0].as_str().unwrap_or("test").to_owned();
            lines.push(format!(
                "{me} publish{at} --bus {} --source {} --detail-type {}",
                rule.bus,
                first("source"),
                first("detail-type")
            ));
        }
    }
    lines
}
