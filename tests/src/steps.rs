//! What is checked, in this order.

use crate::arm64;
use crate::judge;
use crate::mutations;
use crate::performance;
use crate::process::{Tally, cargo, check, command, test};
use crate::sam;
use crate::tools::Tools;
use crate::walkthrough;
use std::path::Path;

/// One step of the test command.
pub(crate) struct Step {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it does, for a person.
    pub(crate) what: &'static str,
    /// Whether it uses the Python tools.
    pub(crate) wants_tools: bool,
    /// Whether it runs unasked; what takes long and finds nothing in the product itself runs when it is named.
    pub(crate) unasked: bool,
    /// Does it; an error is one failure with its reason.
    pub(crate) run: fn(&Path, Option<&Tools>) -> Result<Tally, String>,
}

/// All steps. `lint` goes before `test` because it finds most faults in a third of the time; `sam` and `deployed` come
/// last because they compile everything once more, for Lambda.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "format",
        what: "rustfmt has nothing to change",
        wants_tools: false,
        unasked: true,
        run: |root, _| check(cargo(root).args(["fmt", "--all", "--check"])),
    },
    Step {
        name: "lint",
        what: "Clippy has nothing to say, tests included",
        wants_tools: false,
        unasked: true,
        run: |root, _| {
            compiler()?;
            let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
            check(cargo(root).args(clippy))
        },
    },
    Step {
        name: "docs",
        what: "the documentation builds without a warning",
        wants_tools: false,
        unasked: true,
        run: |root, _| {
            let mut doc = cargo(root);
            doc.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
            check(&mut doc)
        },
    },
    Step {
        name: "test",
        what: "all tests, with the AWS CLI and boto3",
        wants_tools: true,
        unasked: true,
        run: |root, tools| {
            compiler()?;
            // Compiled while the tools are still being installed.
            let mut build = cargo(root);
            let built = check(build.args(["test", "--workspace", "--no-run"]))?;
            if built.failed > 0 {
                return Ok(built);
            }
            bin(tools)?;
            test(cargo(root).args(["test", "--workspace", "--no-fail-fast"]))
        },
    },
    Step {
        name: "template",
        what: "sam validate --lint and cfn-lint find the templates clean",
        wants_tools: true,
        unasked: true,
        run: |root, tools| {
            let mut validate = sam::command(root, &bin(tools)?)?;
            let mut tally = check(validate.args(["validate", "--lint"]))?;
            let mut lint = command(root, bin(tools)?.join("cfn-lint"));
            tally += check(lint.args(["infra/template.yaml", "docs/deploy/role.yml"]))?;
            Ok(tally)
        },
    },
    Step {
        name: "sam",
        what: "sam build makes the functions that Lambda would get, and one for arm64, run under QEMU",
        wants_tools: true,
        unasked: true,
        run: |root, tools| {
            let mut tally = sam::build(root, &bin(tools)?)?;
            tally += arm64::one(root, &bin(tools)?)?;
            Ok(tally)
        },
    },
    Step {
        name: "deployed",
        what: "the end-to-end scenarios with the functions that sam built",
        wants_tools: false,
        unasked: true,
        run: |root, _| sam::scenarios(root),
    },
    Step {
        name: "arm64",
        what: "sam build makes all functions as they are deployed, for arm64, and QEMU runs them",
        wants_tools: true,
        unasked: false,
        run: |root, tools| arm64::all(root, &bin(tools)?),
    },
    Step {
        name: "judge",
        what: "sam deploy brings what sam built up on ministack, where an order is fulfilled",
        wants_tools: true,
        unasked: false,
        run: |root, tools| judge::run(root, &bin(tools)?),
    },
    Step {
        name: "walkthrough",
        what: "a new consumer, as CONTRIBUTING adds one, in a copy of the sources",
        wants_tools: false,
        unasked: false,
        run: |root, _| walkthrough::run(root),
    },
    Step {
        name: "mutations",
        what: "the simulated world finds every fault of a list that is put into the sources",
        wants_tools: false,
        unasked: false,
        run: |root, _| mutations::run(root),
    },
    Step {
        name: "performance",
        what: "measures the engine beside its peers and writes docs/performance.md; -- --smoke tries it",
        wants_tools: false,
        unasked: false,
        run: |root, _| performance::servers(root),
    },
    Step {
        name: "coldstart",
        what: "measures a function's cold start beside a bare one's, for the same page",
        wants_tools: false,
        unasked: false,
        run: |root, _| performance::functions(root),
    },
];

fn bin(tools: Option<&Tools>) -> Result<std::path::PathBuf, String> {
    tools.ok_or("this step did not ask for its tools")?.bin()
}

/// SQLite and the cryptography are C: says so, rather than leave it to a build script.
fn compiler() -> Result<(), String> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let asked = std::process::Command::new(&compiler).arg("--version").output();
    match asked {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err(format!(
            "a C compiler is needed, and {compiler} does not run: install gcc or clang, or name one in CC"
        )),
    }
}
