//! The paths that patterns ask for, as a tree of names, so that one walk of an event serves all.

/// A node of the tree: a path's identity.
pub(crate) type NodeId = u32;

/// The empty path, where every walk starts.
pub(crate) const ROOT: NodeId = 0;

#[derive(Debug, Clone)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
    free: Vec<NodeId>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    /// Sorted by name; no name holds a dot.
    children: Vec<(Box<str>, NodeId)>,
    /// How many fields of patterns end here.
    uses: u32,
}

impl Trie {
    pub(crate) fn new() -> Self {
        Trie { nodes: vec![Node::default()], free: Vec::new() }
    }

    /// Notes one more use of `path` and returns its node.
    pub(crate) fn add(&mut self, path: &str) -> NodeId {
        let mut node = ROOT;
        for name in path.split('.') {
            node = match self.find(node, name) {
                Ok(index) => self.nodes[node as usize].children[index].1,
                Err(index) => {
                    let child = self.free.pop().unwrap_or_else(|| {
                        self.nodes.push(Node::default());
                        (self.nodes.len() - 1) as NodeId
                    });
                    self.nodes[node as usize].children.insert(index, (name.into(), child));
                    child
                }
            };
        }
        self.nodes[node as usize].uses += 1;
        node
    }

    /// Takes one use of `path` back and drops the names nobody asks for any more.
    pub(crate) fn remove(&mut self, path: &str) {
        let mut trail = vec![];
        let mut node = ROOT;
        for name in path.split('.') {
            let Ok(index) = self.find(node, name) else { return };
            trail.push((node, index));
            node = self.nodes[node as usize].children[index].1;
        }
        self.nodes[node as usize].uses -= 1;
        while let Some((parent, index)) = trail.pop() {
            let unused = self.nodes[node as usize].uses == 0
                && self.nodes[node as usize].children.is_empty();
            if !unused {
                return;
            }
            self.nodes[parent as usize].children.remove(index);
            self.free.push(node);
            node = parent;
        }
    }

    /// The node below `node` for a field name of an event, which may itself hold dots.
    #[inline]
    pub(crate) fn step(&self, node: NodeId, key: &str) -> Option<NodeId> {
        if self.nodes[node as usize].children.is_empty() {
            return None;
        }
        if !key.as_bytes().contains(&b'.') {
            return self.child(node, key);
        }
        key.split('.').try_fold(node, |node, name| self.child(node, name))
    }

    #[inline]
    fn child(&self, node: NodeId, name: &str) -> Option<NodeId> {
        self.find(node, name).ok().map(|index| self.nodes[node as usize].children[index].1)
    }

    /// Whether a field of some pattern ends here.
    #[inline]
    pub(crate) fn is_asked(&self, node: NodeId) -> bool {
        self.nodes[node as usize].uses > 0
    }

    #[inline]
    fn find(&self, node: NodeId, name: &str) -> Result<usize, usize> {
        self.nodes[node as usize].children.binary_search_by(|(child, _)| (**child).cmp(name))
    }
}
