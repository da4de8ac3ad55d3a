use crate::adapters::runner::Executables;
use crate::topology::FunctionSpec;
use std::path::PathBuf;

/// Finds a function's binary by its name in the first of some folders that has it.
#[derive(Clone, Debug)]
pub struct Folders {
    /// Where to look, in this order.
    pub folders: Vec<PathBuf>,
    /// What to do when it is nowhere.
    pub remedy: String,
}

impl Folders {
    /// Where the binary of a function may lie: as Cargo puts it, or as cargo-lambda does: NAME/bootstrap.
    pub fn places(&self, function: &FunctionSpec) -> Vec<PathBuf> {
        let name = function.binary.as_deref().unwrap_or(&function.name);
        let places = |folder: &PathBuf| [folder.join(name), folder.join(name).join("bootstrap")];
        self.folders.iter().flat_map(places).collect()
    }
}

impl Executables for Folders {
    fn find(&self, function: &FunctionSpec) -> Result<PathBuf, String> {
        if !function.runtime.starts_with("provided") {
            return Err(format!(
                "function {} has the runtime {}: only provided.* functions run here",
                function.name, function.runtime
            ));
        }
        let name = function.binary.as_deref().unwrap_or(&function.name);
        let found = self.places(function).into_iter().find(|path| path.is_file());
        // A function starts in a folder of its own.
        found.and_then(|path| std::path::absolute(path).ok()).ok_or_else(|| {
            let folders: Vec<String> =
                self.folders.iter().map(|f| f.display().to_string()).collect();
            format!("{name} is not in {}: {}", folders.join(" or "), self.remedy)
        })
    }
}
